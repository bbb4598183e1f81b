namespace LlmAspire.Usage;

/// <summary>A file of invoice lines that was imported.</summary>
/// <param name="Author">Who imported it.</param>
/// <param name="Replaced">Lines of it that a later import has replaced.</param>
public sealed record InvoiceImport(
    long Id, string Name, string Author, DateTimeOffset ImportedAt, int Lines, int Replaced, DateOnly FirstDay, DateOnly LastDay, decimal CostUsd);

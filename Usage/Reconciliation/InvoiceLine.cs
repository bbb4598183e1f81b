namespace LlmAspire.Usage;

/// <summary>A line of a provider's invoice: what it charges for a model on a day (UTC).</summary>
/// <param name="Line">Where it stands in the file, from 1.</param>
/// <param name="Calls">Null when the invoice does not tell.</param>
public sealed record InvoiceLine(
    int Line, DateOnly Day, string Provider, string Model, long? Calls, long PromptTokens, long CompletionTokens, decimal CostUsd);

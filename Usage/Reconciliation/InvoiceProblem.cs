namespace LlmAspire.Usage;

/// <summary>What is wrong with a file of invoice lines.</summary>
/// <param name="Line">Of the file, from 1: the header's.</param>
/// <param name="Column">Null when it is the line as a whole.</param>
/// <param name="Code">A stable word for programs.</param>
/// <param name="Message">What is wrong and what to do.</param>
public sealed record InvoiceProblem(int Line, string? Column, string Code, string Message);

/// <summary>A file was refused; nothing was imported.</summary>
public sealed class InvoiceRefusedException(IReadOnlyList<InvoiceProblem> problems) : Exception("The file is not valid.")
{
    public IReadOnlyList<InvoiceProblem> Problems => problems;
}

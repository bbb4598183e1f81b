using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;

namespace LlmAspire.Api.Tools.BuiltIn;

/// <summary>Arithmetic, which models are bad at.</summary>
[DisplayName("Calculator")]
internal sealed class CalculatorTool
{
    [SuppressMessage("Performance", "CA1822", Justification = "A tool is an instance.")]
    [Description("Calculates the value of an arithmetic expression exactly.")]
    public Calculated Calculate(
        [Description(
            "Decimal numbers, + - * / % (remainder) ^ (whole exponents), parentheses, and the functions abs, floor, ceil, round(x) or round(x, digits), "
            + "min, max and sqrt. For example: (19.99 * 3) / 2 ^ 4")] string expression)
    {
        var value = Calculation.Evaluate(expression);
        var text = value.ToText(out var isExact);
        return new Calculated(text, isExact);
    }
}

/// <param name="Exact">Whether all digits are there.</param>
internal sealed record Calculated(string Value, bool Exact);

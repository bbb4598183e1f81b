using LlmAspire.Api.Tools;
using LlmAspire.Api.Tools.BuiltIn;

namespace LlmAspire.Api.Tests.Tools;

public class CalculationTests
{
    [Theory]
    [InlineData("0.1 + 0.2", "0.3")]
    [InlineData("1 - 0.9", "0.1")]
    [InlineData("2 + 3 * 4", "14")]
    [InlineData("(2 + 3) * 4", "20")]
    [InlineData("7 % 4 + -7 % 4", "0")]
    [InlineData("2 ^ 3 ^ 2", "512")]
    [InlineData("-2 ^ 2", "-4")]
    [InlineData("2 ^ -2", "0.25")]
    [InlineData("10 / 4", "2.5")]
    [InlineData("1.5e3 + .5", "1500.5")]
    [InlineData("9007199254740993 * 1", "9007199254740993")]
    [InlineData("2 ^ 100", "1267650600228229401496703205376")]
    [InlineData("1 / 3 * 3", "1")]
    [InlineData("abs(-3) + floor(-1.5) + ceil(1.2)", "3")]
    [InlineData("round(2.5) + round(-2.5) + round(1.005, 2)", "1.01")]
    [InlineData("min(3, 1, 2) + max(1, 5)", "6")]
    [InlineData("sqrt(2.25)", "1.5")]
    [InlineData("12 × 3 ÷ 4 − 1", "8")]
    public void arithmetic_is_exact(string expression, string value)
    {
        Assert.Equal(value, Calculation.Evaluate(expression).ToText(out var isExact));
        Assert.True(isExact);
    }

    [Theory]
    [InlineData("1 / 3", "0.333333333333333333333333333333")]
    [InlineData("-2 / 3", "-0.666666666666666666666666666667")]
    [InlineData("sqrt(2)", "1.414213562373095048801688724210")]
    [InlineData("sqrt(2) ^ 2 - 2", "0")]
    public void what_has_no_end_is_rounded_and_says_so(string expression, string value)
    {
        Assert.Equal(value.TrimEnd('0') is { Length: > 0 } trimmed && value.Contains('.', StringComparison.Ordinal) ? trimmed : value, Calculation.Evaluate(expression).ToText(out var isExact));
        Assert.False(isExact);
    }

    [Theory]
    [InlineData("", "it ends too early")]
    [InlineData("2 +", "it ends too early")]
    [InlineData("2 3", "at character 3: '3' is not expected")]
    [InlineData("(2", "')' is missing")]
    [InlineData("2 $ 3", "'$' is not expected")]
    [InlineData("1 / 0", "divides by zero")]
    [InlineData("1 % 0", "divides by zero")]
    [InlineData("0 ^ -1", "divides by zero")]
    [InlineData("sqrt(-1)", "square root of a negative")]
    [InlineData("2 ^ 0.5", "whole number")]
    [InlineData("system(1)", "there is no function system")]
    [InlineData("9 ^ 9 ^ 9", "whole number of at most")]
    [InlineData("(10 ^ 1000) ^ 1000", "too large")]
    [InlineData("1e999 * 1e999", "too large")]
    [InlineData("1e99999", "is not one of")]
    [InlineData(".", "a number has digits")]
    public void what_is_wrong_is_said(string expression, string reason) =>
        Assert.Contains(reason, Assert.Throws<ToolFailedException>(() => Calculation.Evaluate(expression)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData('(')]
    [InlineData('-')]
    public void nesting_is_bounded(char one)
    {
        Assert.Throws<ToolFailedException>(() => Calculation.Evaluate(new string(one, 900) + "1"));
        Assert.Throws<ToolFailedException>(() => Calculation.Evaluate(new string('1', 1_001)));
    }
}

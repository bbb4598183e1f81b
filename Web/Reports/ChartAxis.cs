using System.Globalization;

namespace LlmAspire.Web.Reports;

/// <summary>An axis from zero, with a few round numbers on it.</summary>
/// <param name="Top">Where it ends: at least the highest value.</param>
/// <param name="Ticks">From zero to <paramref name="Top"/>.</param>
public sealed record ChartAxis(decimal Top, IReadOnlyList<decimal> Ticks)
{
    private static readonly decimal[] Factors = [1m, 2m, 2.5m, 5m, 10m, 20m, 25m];

    public static ChartAxis Of(decimal highest)
    {
        if (highest <= 0)
        {
            return new(1, [0]);
        }

        // The smallest of 1, 2, 2.5 and 5 times a power of ten that needs at most five steps.
        var power = PowerOfTen((int)Math.Floor(Math.Log10((double)highest)) - 1);
        var step = Factors.Select(factor => factor * power).First(step => step * 5 >= highest);
        var steps = (int)Math.Ceiling(highest / step);
        return new(step * steps, [.. Enumerable.Range(0, steps + 1).Select(i => i * step)]);
    }

    /// <summary>An amount of money on it, with as many decimals as all of its ticks need.</summary>
    public string Usd(decimal tick)
    {
        var step = Ticks.Count > 1 ? Ticks[1] : Top;
        // Without zeros at its end.
        var decimals = (step / 1.0000000000000000000000000000m).Scale;
        return Top >= 10_000 ? "$" + Figures.OnAxis(tick) : "$" + tick.ToString($"N{(decimals == 1 ? 2 : decimals)}", CultureInfo.InvariantCulture);
    }

    /// <summary>How far up a value reaches, in per cent.</summary>
    public decimal PercentOf(decimal value) => value / Top * 100;

    private static decimal PowerOfTen(int exponent)
    {
        var power = 1m;
        for (var i = 0; i < Math.Abs(exponent); i++)
        {
            power = exponent < 0 ? power / 10 : power * 10;
        }

        return power;
    }
}

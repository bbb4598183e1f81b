using System.Globalization;

namespace LlmAspire.Web.Reports;

/// <summary>Numbers as the pages write them, the same in every culture.</summary>
public static class Figures
{
    /// <summary>What stands where a number is not known.</summary>
    public const string Unknown = "–";

    public static string Count(long? count) => count?.ToString("N0", CultureInfo.InvariantCulture) ?? Unknown;

    /// <summary>For an axis: 1.5M, 20k, 300.</summary>
    public static string OnAxis(decimal value) => Math.Abs(value) switch
    {
        >= 1_000_000_000 => Scaled(value / 1_000_000_000, "B"),
        >= 1_000_000 => Scaled(value / 1_000_000, "M"),
        >= 1_000 => Scaled(value / 1_000, "k"),
        _ => Scaled(value, ""),
    };

    /// <summary>
    /// USD, rounded to what a person can use: cents from a dollar on, hundredths of a cent from a cent on, three digits below. What
    /// is not zero never looks like it.
    /// </summary>
    public static string Usd(decimal? usd) => usd is not { } value ? Unknown : Math.Abs(value) switch
    {
        0 => "$0",
        >= 1 => Signed(value, Math.Abs(value).ToString("N2", CultureInfo.InvariantCulture)),
        >= 0.01m => Signed(value, Math.Abs(value).ToString("0.0000", CultureInfo.InvariantCulture)),
        _ => Signed(value, ThreeDigits(Math.Abs(value)).ToString("0.############################", CultureInfo.InvariantCulture)),
    };

    /// <summary>A difference, with its sign.</summary>
    public static string UsdChange(decimal usd) => usd > 0 ? "+" + Usd(usd) : Usd(usd);

    /// <inheritdoc cref="UsdChange"/>
    public static string CountChange(long count) => count > 0 ? "+" + Count(count) : Count(count).Replace('-', '−');

    /// <summary>USD to the last digit, and at least to the cent: a price.</summary>
    public static string Price(decimal? usd) => usd is { } value ? "$" + value.ToString("#,0.00##########################", CultureInfo.InvariantCulture) : Unknown;

    /// <summary>A share between 0 and 1, in per cent.</summary>
    public static string Percent(decimal? share) => share is not { } value ? Unknown : Math.Abs(value) switch
    {
        0 => "0\u00a0%",
        < 0.001m => "<\u00a00.1\u00a0%",
        _ => (value * 100).ToString("0.0", CultureInfo.InvariantCulture) + "\u00a0%",
    };

    public static string Seconds(double? milliseconds) => milliseconds switch
    {
        null => Unknown,
        < 995 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000:0.00} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000:0.0} s"),
    };

    /// <summary>To the last digit, without trailing zeros: for programs, and to look at closely.</summary>
    public static string Exact(decimal value) => value.ToString("0.############################", CultureInfo.InvariantCulture);

    /// <inheritdoc cref="Exact(decimal)"/>
    public static string Exact(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static string Scaled(decimal value, string unit) => value.ToString("0.##", CultureInfo.InvariantCulture) + unit;

    private static string Signed(decimal value, string digits) => value < 0 ? $"−${digits}" : $"${digits}";

    private static decimal ThreeDigits(decimal value)
    {
        var decimals = 2 - (int)Math.Floor(Math.Log10((double)value));
        return decimals > 28 ? value : Math.Round(value, decimals);
    }
}

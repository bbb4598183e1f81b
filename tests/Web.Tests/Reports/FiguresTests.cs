using System.Globalization;
using LlmAspire.Web.Reports;

namespace LlmAspire.Web.Tests.Reports;

public sealed class FiguresTests
{
    [Theory]
    [InlineData("0", "$0")]
    [InlineData("1234567.891", "$1,234,567.89")]
    [InlineData("1", "$1.00")]
    [InlineData("0.995", "$0.9950")]
    [InlineData("0.0312", "$0.0312")]
    [InlineData("0.00123456", "$0.00123")]
    [InlineData("0.000000123456789", "$0.000000123")]
    [InlineData("0.0000000000000000000000001", "$0.0000000000000000000000001")]
    [InlineData("-0.0712", "−$0.0712")]
    [InlineData("-28.321", "−$28.32")]
    public void money_is_rounded_to_what_one_can_use_and_never_to_nothing(string usd, string written) =>
        Assert.Equal(written, Figures.Usd(decimal.Parse(usd, CultureInfo.InvariantCulture)));

    [Fact]
    public void what_is_not_known_is_no_zero()
    {
        Assert.Equal("–", Figures.Usd(null));
        Assert.Equal("–", Figures.Count(null));
        Assert.Equal("–", Figures.Percent(null));
        Assert.Equal("–", Figures.Seconds(null));
    }

    [Theory]
    [InlineData("0", "0\u00a0%")]
    [InlineData("0.0000123", "<\u00a00.1\u00a0%")]
    [InlineData("0.0489", "4.9\u00a0%")]
    [InlineData("1", "100.0\u00a0%")]
    public void a_small_share_is_not_none(string share, string written) => Assert.Equal(written, Figures.Percent(decimal.Parse(share, CultureInfo.InvariantCulture)));

    [Theory]
    [InlineData("0.6", "$0.60")]
    [InlineData("3", "$3.00")]
    [InlineData("0.075", "$0.075")]
    [InlineData("0.000000000001", "$0.000000000001")]
    public void a_price_has_all_its_digits(string usd, string written) => Assert.Equal(written, Figures.Price(decimal.Parse(usd, CultureInfo.InvariantCulture)));

    [Fact]
    public void numbers_are_written_the_same_in_every_culture()
    {
        var before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = new CultureInfo("de-DE");
        try
        {
            Assert.Equal("1,234,567", Figures.Count(1234567));
            Assert.Equal("$1,234.50", Figures.Usd(1234.5m));
            Assert.Equal("1.5M", Figures.OnAxis(1_500_000));
            Assert.Equal("2.2 s", Figures.Seconds(2211));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [InlineData("2284329", "2500000", 6)]
    [InlineData("2.96", "3", 4)]
    [InlineData("0.00031", "0.0004", 5)]
    [InlineData("1", "1", 6)]
    [InlineData("0.0000000000000001", "0.0000000000000001", 6)]
    public void an_axis_has_a_few_round_numbers_and_room_for_the_highest(string highest, string top, int ticks)
    {
        var axis = ChartAxis.Of(decimal.Parse(highest, CultureInfo.InvariantCulture));

        Assert.Equal(decimal.Parse(top, CultureInfo.InvariantCulture), axis.Top);
        Assert.Equal(ticks, axis.Ticks.Count);
        Assert.Equal(axis.Top, axis.Ticks[^1]);
    }

    [Fact]
    public void an_axis_of_nothing_is_no_error() => Assert.Equal([0m], ChartAxis.Of(0).Ticks);
}

using System.Text.Json;

namespace LlmAspire.Usage.Tests.Prices;

public class PriceValidatorTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 23, 19, 13, 45, TimeSpan.Zero);

    private static readonly PriceEntry Good = new("openai", "gpt-6-luna", "input", new(2026, 12, 1, 0, 0, 0, TimeSpan.Zero), 1.25m);

    public static TheoryData<string, PriceEntry> Bad => new()
    {
        { "provider_missing", Good with { Provider = "" } },
        { "provider_missing", Good with { Provider = null! } },
        { "provider_invalid", Good with { Provider = " openai" } },
        { "model_missing", Good with { Model = " " } },
        { "model_invalid", Good with { Model = new string('m', 501) } },
        { "model_invalid", Good with { Model = "gpt\0" } },
        { "class_unknown", Good with { TokenClass = "Input" } },
        { "class_unknown", Good with { TokenClass = null! } },
        { "not_a_whole_hour", Good with { EffectiveFrom = Good.EffectiveFrom.AddMinutes(1) } },
        { "not_a_whole_hour", Good with { EffectiveFrom = new(2026, 12, 1, 0, 0, 0, TimeSpan.FromMinutes(330)) } },
        { "too_old", Good with { EffectiveFrom = new(1999, 12, 31, 23, 0, 0, TimeSpan.Zero) } },
        { "too_far_ahead", Good with { EffectiveFrom = new(2028, 11, 23, 20, 0, 0, TimeSpan.Zero) } },
        { "negative", Good with { UsdPerMillion = -0.01m } },
        { "too_high", Good with { UsdPerMillion = 1_000_000.01m } },
        { "too_many_decimals", Good with { UsdPerMillion = 1.0000000000001m } },
        { "implausibly_low", Good with { UsdPerMillion = 0.00000125m } },
        { "implausibly_high", Good with { UsdPerMillion = 12_500m } },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void a_bad_entry_is_named_with_its_place_and_a_remedy(string code, PriceEntry bad)
    {
        var problem = Assert.Single(PriceValidator.Check([Good, bad], Now));

        Assert.Equal((1, code, code.StartsWith("implausibly", StringComparison.Ordinal)), (problem.Index, problem.Code, problem.CanBeAccepted));
        Assert.EndsWith(".", problem.Message, StringComparison.Ordinal);
    }

    public static TheoryData<PriceEntry> Fine =>
    [
        Good,
        Good with { UsdPerMillion = null },
        Good with { UsdPerMillion = 0 },
        Good with { UsdPerMillion = 0.001m },
        Good with { UsdPerMillion = 10_000m },
        Good with { UsdPerMillion = 1.0000000000000000000000m },
        Good with { EffectiveFrom = PriceValidator.Earliest },
        Good with { EffectiveFrom = new(2026, 12, 1, 12, 0, 0, TimeSpan.FromHours(5)) },
        Good with { EffectiveFrom = new(2028, 11, 23, 19, 0, 0, TimeSpan.Zero) },
        Good with { Model = "mistral/ä 7b" },
    ];

    [Theory]
    [MemberData(nameof(Fine))]
    public void what_is_possible_is_taken(PriceEntry entry) => Assert.Empty(PriceValidator.Check([entry], Now));

    [Fact]
    public void the_same_start_twice_is_overlapping_whatever_zone_it_is_written_in()
    {
        var again = Good with { EffectiveFrom = Good.EffectiveFrom.ToOffset(TimeSpan.FromHours(2)), UsdPerMillion = 9m };

        Assert.Equal((1, "overlapping", false), Assert.Single(PriceValidator.Check([Good, again], Now)) is var problem ? (problem.Index, problem.Code, problem.CanBeAccepted) : default);
        Assert.Empty(PriceValidator.Check([Good, again with { TokenClass = "output" }], Now));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(PriceValidator.MostEntries + 1)]
    public void a_change_has_entries_and_not_too_many(int count) =>
        Assert.Equal("entries_count", Assert.Single(PriceValidator.Check([.. Enumerable.Repeat(Good, count)], Now)).Code);

    [Theory]
    [InlineData("0", 0, "0")]
    [InlineData("0.15", 0, "0.15")]
    [InlineData("1.5e-07", 6, "0.15")]
    [InlineData("1E-6", 6, "1")]
    [InlineData("0.00000015", 6, "0.15")]
    [InlineData("3.0000000000000004e-07", 6, "0.30000000000000004")]
    [InlineData("0.000", 6, "0")]
    [InlineData("-2.50", 0, "-2.5")]
    [InlineData("1e2", 0, "100")]
    [InlineData("1.00000000000000000000000000000000000", 0, "1")]
    [InlineData("0.1234567890123456789012345678", 0, "0.1234567890123456789012345678")]
    [InlineData("1e-40", 0, null)]
    [InlineData("1e400", 0, null)]
    [InlineData("79228162514264337593543950336", 0, null)]
    [InlineData("0.12345678901234567890123456789", 0, null)]
    public void a_number_of_json_is_taken_to_the_last_digit_or_not_at_all(string json, int shift, string? expected) =>
        Assert.Equal(expected is null ? null : decimal.Parse(expected, System.Globalization.CultureInfo.InvariantCulture), ExactDecimal.Parse(json, shift));

    [Theory]
    [InlineData("1e-40")]
    [InlineData("\"1\"")]
    [InlineData("true")]
    public void a_price_that_no_decimal_holds_is_no_entry(string price) => Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<PriceEntry>(
        $$"""{"provider":"p","model":"m","tokenClass":"input","effectiveFrom":"2026-12-01T00:00:00Z","usdPerMillion":{{price}}}""", JsonSerializerOptions.Web));

    [Fact]
    public void an_entry_is_written_and_read() =>
        Assert.Equal(Good, JsonSerializer.Deserialize<PriceEntry>(JsonSerializer.Serialize(Good, JsonSerializerOptions.Web), JsonSerializerOptions.Web));
}

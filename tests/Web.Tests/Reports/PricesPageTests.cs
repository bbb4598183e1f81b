using System.Text;
using System.Text.Json;
using Bunit;
using LlmAspire.Web.Prices;
using Microsoft.AspNetCore.Components.Forms;
using Microsoft.AspNetCore.Http;

namespace LlmAspire.Web.Tests.Reports;

public sealed class PricesPageTests
{
    private const string EditLuna = "/operator/prices?show=edit&provider=openai&model=gpt-6-luna";

    private JsonElement _previewed;
    private JsonElement _saved;

    [Fact]
    public async Task what_is_in_force_now_is_shown_and_what_comes()
    {
        await using var test = await OpenAsync("/operator/prices");
        test.UntilThere(TestIds.Prices);

        var row = test.Find(TestIds.Prices, "tr[data-model='gpt-6-luna']");
        Assert.Equal("$1.25", row.QuerySelector("[data-class=input]")?.TextContent);
        Assert.Equal("$10.00", row.QuerySelector("[data-class=output]")?.TextContent);
        Assert.Contains("1 Dec 2026 00:00", row.TextContent);
        Assert.Equal("12", test.Find(TestIds.PriceRevision).TextContent);
        Assert.Equal("1204", test.ValueOf(TestIds.Unpriced, "calls", "tr[data-model='llama-70b']"));
    }

    [Fact]
    public async Task usage_that_the_gateway_did_not_name_is_shown_with_the_names_of_the_price_that_it_needs()
    {
        await using var test = await OpenAsync("/operator/prices", answers => answers["/prices/unpriced"] = _ => new[]
        {
            new { provider = "", servedModel = "", priceProvider = "unknown", priceModel = "chat-default", calls = 3, promptTokens = 1, completionTokens = 2, firstHour = "2026-11-02T09:00:00Z", lastHour = "2026-11-23T18:00:00Z" },
        });
        test.UntilThere(TestIds.Unpriced);

        var row = test.Find(TestIds.Unpriced, "tr[data-provider='unknown'][data-model='chat-default']");
        Assert.Contains("The price is by the alias.", row.TextContent);
        Assert.Equal(
            ["/usage/calls?scope=all&model=chat-default", "/operator/prices?show=edit&provider=unknown&model=chat-default"],
            row.QuerySelectorAll("a").Select(link => link.GetAttribute("href")));
    }

    [Fact]
    public async Task a_change_is_saved_after_its_preview_with_a_reason()
    {
        await using var test = await OpenAsync(EditLuna);
        test.UntilThere(TestIds.PreviewPrices);
        Assert.Empty(test.FindAll(TestIds.SavePrices));
        await test.TypeAsync(TestIds.PriceOf("input"), "0.625");
        await test.ClickAsync(TestIds.PreviewPrices);
        test.UntilThere(TestIds.PriceEffects);

        Assert.Equal("-28.321", test.ValueOf(TestIds.PriceEffects, "differenceUsd", "tr[data-key='2026-10']"));
        Assert.Equal("""[{"provider":"openai","model":"gpt-6-luna","tokenClass":"input","effectiveFrom":"2026-11-23T21:00:00+00:00","usdPerMillion":0.625}]""", _previewed.GetProperty("changes").GetRawText());
        Assert.Equal(12, _previewed.GetProperty("expectedRevision").GetInt64());
        Assert.True(test.Find(TestIds.SavePrices).HasAttribute("disabled"));
        await test.TypeAsync(TestIds.PriceReason, "Half the price");
        await test.ClickAsync(TestIds.SavePrices);

        test.UntilThere(TestIds.Done);
        Assert.Equal("Half the price", _saved.GetProperty("reason").GetString());
        Assert.Equal("/operator/prices", new Uri(test.Navigation.Uri).PathAndQuery);
    }

    [Fact]
    public async Task what_was_typed_after_the_preview_has_to_be_previewed()
    {
        await using var test = await OpenAsync(EditLuna);
        test.UntilThere(TestIds.PreviewPrices);
        await test.TypeAsync(TestIds.PriceOf("input"), "0.625");
        await test.ClickAsync(TestIds.PreviewPrices);
        test.UntilThere(TestIds.SavePrices);

        await test.TypeAsync(TestIds.PriceOf("input"), "0.6");

        test.Until(() => Assert.Empty(test.FindAll(TestIds.SavePrices)));
        Assert.Contains("preview it again", test.Find(TestIds.PriceReview).TextContent);
    }

    [Fact]
    public async Task a_price_can_end()
    {
        await using var test = await OpenAsync(EditLuna);
        test.UntilThere(TestIds.PreviewPrices);
        await test.Page.InvokeAsync(() => test.Page.Find("tr[data-class=cached_input] input[type=checkbox]").ChangeAsync(new() { Value = true }));
        await test.ClickAsync(TestIds.PreviewPrices);
        test.UntilThere(TestIds.PriceEffects);

        var entry = Assert.Single(_previewed.GetProperty("changes").EnumerateArray());
        Assert.Equal(("cached_input", JsonValueKind.Null), (entry.GetProperty("tokenClass").GetString(), entry.GetProperty("usdPerMillion").ValueKind));
    }

    [Fact]
    public async Task what_is_no_number_is_said_before_anything_is_asked()
    {
        await using var test = await OpenAsync(EditLuna);
        test.UntilThere(TestIds.PreviewPrices);
        await test.TypeAsync(TestIds.PriceOf("input"), "1,25");

        test.Until(() => Assert.Contains("with a point", test.Find(TestIds.SidePanel).TextContent));
        Assert.Empty(test.FindAll(TestIds.PreviewPrices));
    }

    [Fact]
    public async Task what_is_wrong_is_said_of_the_entry_that_it_is_wrong_with()
    {
        await using var test = await OpenAsync(EditLuna, answers => answers["POST /prices/preview"] = _ =>
            ReportContext.Problem(400, "prices_invalid", new[] { new { index = 1, code = "negative", message = "A price is not negative.", canBeAccepted = false } }));
        test.UntilThere(TestIds.PreviewPrices);
        await test.TypeAsync(TestIds.PriceOf("input"), "1");
        await test.TypeAsync(TestIds.PriceOf("output"), "-1");
        await test.ClickAsync(TestIds.PreviewPrices);
        test.UntilThere(TestIds.PriceErrors);

        Assert.Contains("openai / gpt-6-luna, Output, from 2026-11-23 21:00 UTC: A price is not negative.", test.Find(TestIds.PriceErrors, "li[data-index='1']").TextContent);
    }

    [Fact]
    public async Task what_looks_like_a_mistake_is_saved_by_who_says_that_it_is_meant()
    {
        await using var test = await OpenAsync(EditLuna, answers => answers["POST /prices/preview"] = _ => Preview(doubt: "Is it a price for one token?"));
        test.UntilThere(TestIds.PreviewPrices);
        await test.TypeAsync(TestIds.PriceOf("input"), "0.00000125");
        await test.ClickAsync(TestIds.PreviewPrices);
        test.UntilThere(TestIds.PriceDoubts);
        await test.TypeAsync(TestIds.PriceReason, "It is so");
        Assert.True(test.Find(TestIds.SavePrices).HasAttribute("disabled"));

        await test.Page.InvokeAsync(() => test.Page.Find(".doubts input[type=checkbox]").ChangeAsync(new() { Value = true }));
        await test.ClickAsync(TestIds.SavePrices);

        test.UntilThere(TestIds.Done);
        Assert.True(_saved.GetProperty("acceptImplausible").GetBoolean());
    }

    [Fact]
    public async Task who_was_slower_sees_the_newest_prices()
    {
        await using var test = await OpenAsync(EditLuna, answers => answers["PUT /prices"] = _ => ReportContext.Problem(409, "prices_changed"));
        test.UntilThere(TestIds.PreviewPrices);
        await test.TypeAsync(TestIds.PriceOf("input"), "1");
        await test.ClickAsync(TestIds.PreviewPrices);
        test.UntilThere(TestIds.SavePrices);
        await test.TypeAsync(TestIds.PriceReason, "Mine");
        await test.ClickAsync(TestIds.SavePrices);
        test.Until(() => Assert.Contains("Somebody else", test.Find(TestIds.PanelProblem).TextContent));

        await test.ClickAsync(TestIds.PanelProblem, "button");

        test.Until(() => Assert.Equal(2, test.AskedFor("/prices").Count(asked => asked.StartsWith("GET", StringComparison.Ordinal))));
    }

    [Fact]
    public async Task the_history_says_who_and_why()
    {
        await using var test = await OpenAsync("/operator/prices?show=history&provider=openai&model=gpt-6-luna");
        test.UntilThere(TestIds.PriceHistory);

        var revision = test.Find(TestIds.PriceHistory, "li[data-revision='12']").TextContent;
        Assert.Contains("operator@demo.local", revision);
        Assert.Contains("From the provider's letter", revision);
        Assert.Contains("$1.25", revision);
        Assert.Contains("GET /prices/history?provider=openai&model=gpt-6-luna", test.Api.Asked);
    }

    [Fact]
    public async Task a_file_is_previewed_and_imported()
    {
        await using var test = await OpenAsync("/operator/prices?show=import");
        test.UntilThere(TestIds.PriceFile);
        test.Page.FindComponent<InputFile>().UploadFiles(InputFileContent.CreateFromText(
            """{"exportedRevision":3,"changes":[{"provider":"openai","model":"gpt-6-luna","tokenClass":"input","effectiveFrom":"2026-12-01T00:00:00Z","usdPerMillion":1.25}]}""", "prices.json"));
        test.Until(() => Assert.Contains("1 prices of 1 models", test.Find(TestIds.SidePanel).TextContent));
        await test.ClickAsync(TestIds.PreviewPrices);
        test.UntilThere(TestIds.SavePrices);
        await test.TypeAsync(TestIds.PriceReason, "From the other installation");
        await test.ClickAsync(TestIds.SavePrices);

        test.UntilThere(TestIds.Done);
        Assert.Contains("POST /prices/import", test.Api.Asked);
        Assert.DoesNotContain("PUT /prices", test.Api.Asked);
    }

    [Theory]
    [InlineData("{ \"changes\": [\n{,\n]}", "look at line 2")]
    [InlineData("{}", "no prices in this file")]
    [InlineData("{\"changes\":[null]}", "no prices in this file")]
    [InlineData("{\"changes\":[\n{\"effectiveFrom\":\"2026-12-01T00:00:00\"}]}", "look at line 2: send a time with its offset from UTC, such as 2026-12-01T00:00:00Z.")]
    [InlineData("{\"changes\":[\n{\"usdPerMillion\":1,\n\"usdPerMillion\":2}]}", "look at line 3: 'usdPerMillion' is there twice.")]
    public async Task a_file_that_is_none_of_prices_is_said(string content, string words)
    {
        await using var test = await OpenAsync("/operator/prices?show=import");
        test.UntilThere(TestIds.PriceFile);

        test.Page.FindComponent<InputFile>().UploadFiles(InputFileContent.CreateFromBinary(Encoding.UTF8.GetBytes(content), "other.json"));

        test.Until(() => Assert.Contains(words, test.Find(TestIds.PanelProblem).TextContent));
    }

    [Fact]
    public async Task who_is_no_operator_is_told_so()
    {
        await using var test = await OpenAsync("/operator/prices", answers => answers["/prices"] = _ => ReportContext.Problem(403, "forbidden"));

        test.Until(() => Assert.Contains("You may not see this", test.Find(TestIds.PageProblem).TextContent));
    }

    private Task<ReportContext> OpenAsync(string address, Action<Dictionary<string, Func<HttpRequest, object>>>? arrange = null)
    {
        Dictionary<string, Func<HttpRequest, object>> answers = new()
        {
            ["/prices"] = _ => new
            {
                revision = 12,
                entries = Array.Empty<object>(),
                periods = new[] { Period("2000-01-01T00:00:00Z", "2026-11-01T00:00:00Z", 2.5m), Period("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", 1.25m), Period("2026-12-01T00:00:00Z", null, 1m) },
            },
            ["/prices/unpriced"] = _ => new[]
            {
                new { provider = "groq", servedModel = "llama-70b", priceProvider = "groq", priceModel = "llama-70b", calls = 1204, promptTokens = 880231, completionTokens = 120331, firstHour = "2026-11-02T09:00:00Z", lastHour = "2026-11-23T18:00:00Z" },
            },
            ["/prices/history"] = _ => new[]
            {
                new
                {
                    id = 12, createdAt = "2026-11-20T10:22:11Z", author = "operator@demo.local", reason = "From the provider's letter", source = "manual",
                    entries = new[] { new { provider = "openai", model = "gpt-6-luna", tokenClass = "input", effectiveFrom = "2026-11-01T00:00:00Z", usdPerMillion = 1.25m } },
                },
            },
            ["POST /prices/preview"] = request => (_previewed = Body(request), Preview()).Item2,
            ["PUT /prices"] = request => (_saved = Body(request), new { revision = 13 }).Item2,
            ["POST /prices/import"] = request => (_saved = Body(request), new { revision = 13 }).Item2,
        };
        arrange?.Invoke(answers);
        return ReportContext.OpenAsync<PricesPage>(address, answers);
    }

    private static JsonElement Body(HttpRequest request)
    {
        using var reader = new StreamReader(request.Body);
        return JsonDocument.Parse(reader.ReadToEndAsync().GetAwaiter().GetResult()).RootElement;
    }

    private static object Period(string from, string? to, decimal input) =>
        new { provider = "openai", model = "gpt-6-luna", validFrom = from, validTo = to, isPriced = true, input, output = 10m, cachedInput = 0.125m };

    [Fact]
    public async Task a_price_so_wrong_that_its_cost_has_too_many_digits_is_corrected()
    {
        await using var test = await OpenAsync(EditLuna, answers => answers["POST /prices/preview"] = _ => new
        {
            revision = 12,
            doubts = Array.Empty<object>(),
            differenceUsd = (decimal?)null,
            effects = new[]
            {
                new { month = "2026-10-01", provider = "openai", servedModel = "gpt-6-luna", calls = 1, oldCostUsd = (decimal?)null, newCostUsd = 92.12m, oldUnpricedCalls = 0, newUnpricedCalls = 0, differenceUsd = (decimal?)null },
            },
        });
        test.UntilThere(TestIds.PreviewPrices);
        await test.TypeAsync(TestIds.PriceOf("input"), "0.625");
        await test.ClickAsync(TestIds.PreviewPrices);
        test.UntilThere(TestIds.AmountTooLarge);

        Assert.Equal("", test.ValueOf(TestIds.PriceEffects, "oldCostUsd", "tr[data-key='2026-10']"));
        Assert.Equal("92.12", test.ValueOf(TestIds.PriceEffects, "newCostUsd", "tr[data-key='2026-10']"));
        await test.TypeAsync(TestIds.PriceReason, "Wrong unit");
        await test.ClickAsync(TestIds.SavePrices);
        test.UntilThere(TestIds.Done);
    }

    private static object Preview(string? doubt = null) => new
    {
        revision = 12,
        doubts = doubt is null ? [] : new object[] { new { index = 0, code = "too_low", message = doubt, canBeAccepted = true } },
        differenceUsd = -28.321m,
        effects = new[]
        {
            new { month = "2026-10-01", provider = "openai", servedModel = "gpt-6-luna", calls = 40211, oldCostUsd = 120.441m, newCostUsd = 92.12m, oldUnpricedCalls = 0, newUnpricedCalls = 0, differenceUsd = -28.321m },
        },
    };
}

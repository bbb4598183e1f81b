using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using LlmAspire.TestPostgres;
using LlmAspire.Usage;
using Microsoft.Extensions.DependencyInjection;

namespace LlmAspire.Api.Tests.Prices;

public sealed class PricesApiTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Hour = new(2026, 3, 1, 10, 0, 0, TimeSpan.Zero);

    private TestGateway _gateway = null!;
    private ApiFactory _api = null!;
    private HttpClient _client = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _gateway = await TestGateway.StartAsync();
        _api = new ApiFactory(_gateway.BaseUrl) { Ledger = await PostgresFixture.Shared.ReserveDatabaseAsync() };
        _client = await _api.CreateSignedInClientAsync("operator");
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _api.DisposeAsync();
        await _gateway.DisposeAsync();
    }

    [Fact]
    public async Task prices_are_saved_read_and_told_with_author_and_reason()
    {
        Assert.Equal("""{"revision":0,"entries":[],"periods":[]}""", (await GetAsync("/prices")).GetRawText());

        var first = await SaveAsync([Entry("input", 2.5m), Entry("output", 10m)], "list price", expectedRevision: 0);
        var second = await SaveAsync([Entry("input", 3m, hours: 1)], "dearer", expectedRevision: first);

        var prices = await GetAsync("/prices");
        Assert.Equal(second, prices.GetProperty("revision").GetInt64());
        Assert.Equal([2.5m, 3m], prices.GetProperty("periods").EnumerateArray().Select(period => period.GetProperty("input").GetDecimal()));
        Assert.Equal(
            $$"""{"entry":{"provider":"openai","model":"m","tokenClass":"input","effectiveFrom":"2026-03-01T10:00:00+00:00","usdPerMillion":2.5},"source":"manual","revision":{{first}}}""",
            prices.GetProperty("entries")[0].GetRawText());
        Assert.Single((await GetAsync($"/prices?asOfRevision={first}")).GetProperty("periods").EnumerateArray());
        var history = (await GetAsync("/prices/history?provider=openai&model=m")).EnumerateArray().ToList();
        Assert.Equal(
            ["operator@demo.local dearer manual", "operator@demo.local list price manual"],
            history.Select(one => $"{one.GetProperty("author").GetString()} {one.GetProperty("reason").GetString()} {one.GetProperty("source").GetString()}"));
    }

    [Fact]
    public async Task who_has_not_seen_the_newest_revision_gets_409_with_it()
    {
        var first = await SaveAsync([Entry("input", 1m), Entry("output", 1m)], "x");

        using var response = await _client.PutAsJsonAsync("/prices", new { changes = new[] { Entry("input", 2m) }, reason = "x", expectedRevision = 0 }, Cancellation);

        Assert.Equal(HttpStatusCode.Conflict, response.StatusCode);
        var problem = await response.ReadProblemAsync();
        Assert.Equal(("prices_changed", first), (problem.GetProperty("code").GetString(), problem.GetProperty("revision").GetInt64()));
        using var preview = await _client.PostAsJsonAsync("/prices/preview", new { changes = new[] { Entry("input", 2m) }, expectedRevision = 0 }, Cancellation);
        Assert.Equal(HttpStatusCode.Conflict, preview.StatusCode);
    }

    [Theory]
    [InlineData("""{"reason":"x"}""", "changes_missing", null)]
    [InlineData("""{"reason":"x","changes":[null]}""", "changes_missing", null)]
    [InlineData("""{"reason":"x","changes":[]}""", "prices_invalid", "entries_count")]
    [InlineData("""{"changes":[{"provider":"p","model":"m","tokenClass":"input","effectiveFrom":"2026-03-01T10:00:00Z","usdPerMillion":1}]}""", "reason_invalid", null)]
    [InlineData("""{"reason":"x","changes":[{}]}""", "prices_invalid", "provider_missing model_missing class_unknown too_old")]
    [InlineData("""{"reason":"x","changes":[{"provider":"p","model":"m","tokenClass":"input","effectiveFrom":"2026-03-01T10:30:00Z","usdPerMillion":-1}]}""", "prices_invalid", "not_a_whole_hour negative")]
    [InlineData("""{"reason":"x","changes":[{"provider":"p","model":"m","tokenClass":"input","effectiveFrom":"2026-03-01T10:00:00Z","usdPerMillion":2.5e-06}]}""", "prices_implausible", "implausibly_low incomplete")]
    [InlineData("""{"reason":"x","changes":[{"provider":"p","model":"m","tokenClass":"input","effectiveFrom":"2026-03-01T10:00:00Z","usdPerMillion":1e-40}]}""", "json_unexpected", null)]
    [InlineData("""{"reason":"x","changes":[{"provider":"p","model":"m","tokenClass":"input","effectiveFrom":"yesterday","usdPerMillion":1}]}""", "json_unexpected", null)]
    [InlineData("""{"reason":"x","changes":{}}""", "json_unexpected", null)]
    public async Task what_is_wrong_with_a_change_is_told_by_entry_and_nothing_is_saved(string body, string code, string? errors)
    {
        using var response = await _client.PutAsync("/prices", new StringContent(body, Encoding.UTF8, "application/json"), Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var problem = await response.ReadProblemAsync();
        Assert.Equal(code, problem.GetProperty("code").GetString());
        Assert.Equal(errors, problem.TryGetProperty("errors", out var list)
            ? string.Join(' ', list.EnumerateArray().Select(error => error.GetProperty("code").GetString())) : null);
        Assert.Equal(0, (await GetAsync("/prices")).GetProperty("revision").GetInt64());
    }

    [Fact]
    public async Task what_looks_like_a_mistake_is_saved_by_who_means_it()
    {
        using var response = await _client.PutAsJsonAsync(
            "/prices", new { changes = new[] { Entry("input", 0.0000025m), Entry("output", 0m) }, reason = "a gift", acceptImplausible = true }, Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("/prices?asOfRevision=1", HttpStatusCode.NotFound, "revision_unknown")]
    [InlineData("/prices?asOfRevision=-1", HttpStatusCode.NotFound, "revision_unknown")]
    [InlineData("/prices?asOfRevision=x", HttpStatusCode.BadRequest, "bad_request")]
    [InlineData("/prices/history", HttpStatusCode.BadRequest, "model_missing")]
    [InlineData("/prices/history?provider=p", HttpStatusCode.BadRequest, "model_missing")]
    [InlineData("/prices/history?provider=p&model=%00", HttpStatusCode.BadRequest, "model_missing")]
    [InlineData("/prices/unpriced?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", HttpStatusCode.BadRequest, "times_invalid")]
    [InlineData("/prices/unpriced?to=0001-01-01T00:00:00Z", HttpStatusCode.BadRequest, "times_invalid")]
    [InlineData("/prices/unpriced?from=x", HttpStatusCode.BadRequest, "times_invalid")]
    public async Task a_bad_question_gets_a_problem(string path, HttpStatusCode status, string code)
    {
        using var response = await _client.GetAsync(path, Cancellation);

        Assert.Equal(status, response.StatusCode);
        Assert.Equal(code, (await response.ReadProblemAsync()).GetProperty("code").GetString());
    }

    [Fact]
    public async Task a_preview_says_what_would_change_and_saves_nothing()
    {
        await UseAsync("m", 2_000_000);
        await UseAsync("new", 1_000_000);
        await SaveAsync([Entry("input", 1m), Entry("output", 0m)], "x");
        var before = (await GetAsync("/prices")).GetRawText();

        using var response = await _client.PostAsJsonAsync(
            "/prices/preview", new { changes = new[] { Entry("input", 1.25m), Entry("input", 1m) with { Model = "new" } } }, Cancellation);
        var preview = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(0.5m, preview.GetProperty("differenceUsd").GetDecimal());
        Assert.Equal("incomplete", Assert.Single(preview.GetProperty("doubts").EnumerateArray()).GetProperty("code").GetString());
        Assert.Equal(
            """{"month":"2026-03-01","provider":"openai","servedModel":"m","calls":1,"oldCostUsd":2,"newCostUsd":2.5,"oldUnpricedCalls":0,"newUnpricedCalls":0,"differenceUsd":0.5}""",
            Assert.Single(preview.GetProperty("effects").EnumerateArray()).GetRawText());
        Assert.Equal(before, (await GetAsync("/prices")).GetRawText());
        var unpriced = Assert.Single((await GetAsync("/prices/unpriced?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z")).EnumerateArray());
        Assert.Equal(("new", 1), (unpriced.GetProperty("servedModel").GetString(), unpriced.GetProperty("calls").GetInt32()));
        Assert.Equal(("openai", "new"), (unpriced.GetProperty("priceProvider").GetString(), unpriced.GetProperty("priceModel").GetString()));
    }

    [Fact]
    public async Task what_is_exported_is_imported_elsewhere_and_changes_nothing_at_home()
    {
        await _api.Services.GetRequiredService<PriceRegistry>().SaveAsync(
            PriceSource.Gateway, "gateway", "sync", [Entry("input", 7m), Entry("output", 7m)], null, false, Cancellation);
        var revision = await SaveAsync([Entry("input", 1m), Entry("cached_input", 0.125m), Entry("input", null, hours: 5)], "contract");
        var export = await GetAsync("/prices/export");
        Assert.Equal(3, export.GetProperty("changes").GetArrayLength());

        using (var home = await _client.PostAsJsonAsync("/prices/import", export, Cancellation))
        {
            Assert.Equal(revision, (await home.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("revision").GetInt64());
        }

        await using var other = new ApiFactory(_gateway.BaseUrl) { Ledger = await PostgresFixture.Shared.ReserveDatabaseAsync() };
        var elsewhere = await other.CreateSignedInClientAsync("operator");
        using (var refused = await elsewhere.PostAsJsonAsync("/prices/import", export, Cancellation))
        {
            // Without the gateway's output price the model would be unpriced there: that has to be meant.
            Assert.Equal("prices_implausible", (await refused.ReadProblemAsync()).GetProperty("code").GetString());
        }

        using var imported = await elsewhere.PostAsJsonAsync("/prices/import", new { changes = export.GetProperty("changes"), acceptImplausible = true }, Cancellation);
        Assert.Equal(HttpStatusCode.OK, imported.StatusCode);
        Assert.Equal(
            export.GetProperty("changes").GetRawText(),
            (await elsewhere.GetFromJsonAsync<JsonElement>("/prices/export", Cancellation)).GetProperty("changes").GetRawText());
        Assert.Equal("import", (await elsewhere.GetFromJsonAsync<JsonElement>("/prices", Cancellation)).GetProperty("entries")[0].GetProperty("source").GetString());
    }

    private static PriceEntry Entry(string tokenClass, decimal? price, int hours = 0) => new("openai", "m", tokenClass, Hour.AddHours(hours), price);

    private async Task<JsonElement> GetAsync(string path) => await _client.GetFromJsonAsync<JsonElement>(path, Cancellation);

    private async Task<long> SaveAsync(PriceEntry[] changes, string reason, long? expectedRevision = null)
    {
        using var response = await _client.PutAsJsonAsync("/prices", new { changes, reason, expectedRevision }, Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return (await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("revision").GetInt64();
    }

    /// <summary>A call of a model in <see cref="Hour"/>, in the ledger.</summary>
    private async Task UseAsync(string model, long promptTokens)
    {
        await _api.Services.GetRequiredService<IUsageEventWriter>().WriteAsync(
            new UsageEvent
            {
                Id = Guid.CreateVersion7(Hour),
                RequestId = Guid.NewGuid(),
                UserId = Guid.NewGuid(),
                OrgId = Guid.NewGuid(),
                Operation = UsageOperation.Chat,
                ModelAlias = "a",
                Provider = "openai",
                ServedModel = model,
                PromptTokens = promptTokens,
                CompletionTokens = 0,
                Source = UsageSource.Provider,
                Outcome = UsageOutcome.Completed,
                DurationMs = 1,
            },
            Cancellation);
        var ingestion = ActivatorUtilities.CreateInstance<UsageIngestion>(_api.Services);
        while (await ingestion.IngestAsync(100, Cancellation) is { Taken: > 0 })
        {
        }
    }
}

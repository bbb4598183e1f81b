using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using LlmAspire.TestPostgres;
using LlmAspire.Usage;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace LlmAspire.Api.Tests.Reconciliation;

public sealed class ReconciliationApiTests : IAsyncLifetime
{
    private const string Header = "day,provider,model,prompt_tokens,completion_tokens,cost_usd,calls\n";

    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly DueDay Day = new(new DateOnly(2026, 3, 1), new DateTimeOffset(2026, 3, 2, 0, 0, 0, TimeSpan.Zero));

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
    public async Task before_anybody_has_compared_there_is_nothing_and_it_says_so() => Assert.Equal(
        """{"rows":[],"threshold":0.01,"lastComparedAt":null,"gateway":{"available":false,"problem":"not_asked","since":null,"askedAt":null}}""",
        (await GetAsync("/reconciliation")).GetRawText());

    [Fact]
    public async Task what_differs_from_the_gateway_is_told_by_day_and_model_and_by_call()
    {
        await PriceAsync("m", input: 1m, output: 2m);
        var equal = await UseAsync("m", 1000, 500);
        var different = await UseAsync("m", 100, 50);
        await UseAsync(null, 7, 3);
        await CompareAsync(
            new GatewayLog("1", equal.ToString(), "openai", "m", 1000, 500, 0.002m, Noon),
            new GatewayLog("2", different.ToString(), "openai", "m", 100, 40, 0.0003m, Noon),
            new GatewayLog("3", "theirs", "openai", "m", 5, 5, 0.1m, Noon));

        var told = await GetAsync("/reconciliation?from=2026-03-01&to=2026-03-02&source=gateway");

        Assert.Equal(["0.25", "true"], [told.GetProperty("threshold").GetRawText(), told.GetProperty("gateway").GetProperty("available").GetRawText()]);
        var comparedAt = told.GetProperty("lastComparedAt").GetRawText();
        Assert.Equal(
            [
                $$$"""{"day":"2026-03-01","provider":"openai","model":null,"source":"gateway","ledgerCalls":1,"otherCalls":0,"ledgerTokens":{"prompt":7,"completion":3},"otherTokens":{"prompt":0,"completion":0},"driftTokens":10,"driftShare":1,"ledgerCostUsd":null,"otherCostUsd":0,"driftCostUsd":null,"aboveThreshold":true,"missingInLedger":0,"missingAtGateway":1,"comparedAt":{{{comparedAt}}}}""",
                $$$"""{"day":"2026-03-01","provider":"openai","model":"m","source":"gateway","ledgerCalls":2,"otherCalls":3,"ledgerTokens":{"prompt":1100,"completion":550},"otherTokens":{"prompt":1105,"completion":545},"driftTokens":0,"driftShare":0.012048192771,"ledgerCostUsd":0.0022,"otherCostUsd":0.1023,"driftCostUsd":-0.1001,"aboveThreshold":false,"missingInLedger":1,"missingAtGateway":0,"comparedAt":{{{comparedAt}}}}""",
            ],
            told.GetProperty("rows").EnumerateArray().Select(row => row.GetRawText()));
        var differences = await GetAsync("/reconciliation/differences?day=2026-03-01&provider=openai&model=m");
        Assert.Equal(
            // They differ by as much: by their ids.
            [(different.ToString(), "tokens_differ", different.ToString(), 40), ("theirs", "missing_in_ledger", null, 5)],
            differences.EnumerateArray().Select(one => (
                one.GetProperty("gatewayCallId").GetString(), one.GetProperty("kind").GetString(), one.GetProperty("callId").GetString(),
                one.GetProperty("otherCompletionTokens").GetInt32())));
        Assert.Equal(3, (await GetAsync("/reconciliation/differences?day=2026-03-01")).GetArrayLength());
        Assert.Equal("missing_at_gateway", Assert.Single((await GetAsync("/reconciliation/differences?day=2026-03-01&model=")).EnumerateArray()).GetProperty("kind").GetString());
        Assert.Empty((await GetAsync("/reconciliation?from=2026-03-02&to=2026-03-03")).GetProperty("rows").EnumerateArray());
    }

    [Fact]
    public async Task an_invoice_is_compared_with_the_ledger_by_day_and_model()
    {
        await PriceAsync("m", input: 1m, output: 2m);
        await PriceAsync("not-invoiced", input: 1m, output: 1m);
        await UseAsync("m", 1000, 500);
        await UseAsync("m", 100, 50);
        await UseAsync("not-invoiced", 10, 0);
        await UseAsync("unpriced", 10, 10);

        var import = await ImportAsync(Header + "2026-03-01,openai,m,1100,550,0.0022,2\n2026-03-01,openai,unpriced,10,10,0.5,\n2026-03-01,openai,only-theirs,5,5,1,1\n");

        Assert.Equal(("march", "operator@demo.local", 3, 0), (import.GetProperty("name").GetString(), import.GetProperty("author").GetString(),
            import.GetProperty("lines").GetInt32(), import.GetProperty("replaced").GetInt32()));
        Assert.Equal(
            [
                "m 2 2 1650 1650 0 0 0.0022 0.0022 0 false",
                "not-invoiced 1 0 10 0 10 1 0.00001 0 0.00001 true",
                "only-theirs 0 1 0 10 -10 1 0 1 -1 true",
                "unpriced 1 null 20 20 0 0 null 0.5 null false",
            ],
            await InvoiceRowsAsync());
    }

    [Fact]
    public async Task a_later_import_goes_before_an_earlier_one_which_stays_in_the_list()
    {
        await PriceAsync("m", input: 1m, output: 1m);
        await UseAsync("m", 100, 100);
        await ImportAsync(Header + "2026-03-01,openai,m,50,50,0.0001,1\n2026-03-01,openai,typo,100,100,0.0002,1\n");

        await ImportAsync(Header + "2026-03-01,openai,m,100,100,0.0003,1\n2026-03-01,openai,typo,0,0,0,0\n");

        // The tokens agree, the cost does not. What was taken back is gone.
        Assert.Equal(["m 1 1 200 200 0 0 0.0002 0.0003 -0.0001 true"], await InvoiceRowsAsync());
        Assert.Equal(["2 0", "2 2"], (await GetAsync("/reconciliation/invoices")).EnumerateArray()
            .Select(import => $"{import.GetProperty("lines")} {import.GetProperty("replaced")}"));
    }

    [Fact]
    public async Task bad_lines_are_told_and_nothing_is_imported()
    {
        using var response = await PostAsync(Header + "2026-03-01,openai,m,50,50,0.0001,1\nyesterday,openai,m,-1,50,0.0001,1\n");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var problem = await response.ReadProblemAsync();
        Assert.Equal("invoice_invalid", problem.GetProperty("code").GetString());
        Assert.Equal(
            ["3 day day_invalid", "3 prompt_tokens number_invalid"],
            problem.GetProperty("errors").EnumerateArray().Select(error => $"{error.GetProperty("line")} {error.GetProperty("column")} {error.GetProperty("code")}"));
        Assert.Empty((await GetAsync("/reconciliation/invoices")).EnumerateArray());
    }

    [Fact]
    public async Task what_is_no_csv_in_utf_8_is_refused()
    {
        using var json = await _client.PostAsJsonAsync("/reconciliation/invoices", new { }, Cancellation);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, json.StatusCode);
        Assert.Equal("content_type_unsupported", (await json.ReadProblemAsync()).GetProperty("code").GetString());
        using var latin = new ByteArrayContent([.. Encoding.UTF8.GetBytes(Header), .. Encoding.Latin1.GetBytes("2026-03-01,größe,m,50,50,0.0001,1\n")]);
        latin.Headers.ContentType = new("text/csv");
        using var response = await _client.PostAsync("/reconciliation/invoices", latin, Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("encoding_invalid", (await response.ReadProblemAsync()).GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("/reconciliation?from=yesterday", "from")]
    [InlineData("/reconciliation?to=2026-13-01", "to")]
    [InlineData("/reconciliation?from=2026-03-02&to=2026-03-02", "from")]
    [InlineData("/reconciliation?from=2024-01-01&to=2026-03-02", "from")]
    [InlineData("/reconciliation?source=bank", "source")]
    [InlineData("/reconciliation/differences", "day")]
    [InlineData("/reconciliation/differences?day=x", "day")]
    [InlineData("/reconciliation/differences?day=2026-03-01&provider=%00", "provider")]
    [InlineData("/reconciliation/differences?day=2026-03-01&model=%00", "model")]
    public async Task a_bad_question_gets_a_problem_that_says_what_is_possible(string path, string parameter)
    {
        using var response = await _client.GetAsync(path, Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var problem = await response.ReadProblemAsync();
        Assert.Equal("query_invalid", problem.GetProperty("code").GetString());
        Assert.Equal(parameter, Assert.Single(problem.GetProperty("errors").EnumerateObject()).Name);
    }

    [Fact]
    public async Task a_name_that_is_too_long_is_refused()
    {
        using var response = await PostAsync(Header, new string('x', 201));

        Assert.Equal("query_invalid", (await response.ReadProblemAsync()).GetProperty("code").GetString());
    }

    private async Task<IEnumerable<string>> InvoiceRowsAsync() =>
        (await GetAsync("/reconciliation?from=2026-03-01&to=2026-03-02&source=invoice")).GetProperty("rows").EnumerateArray().Select(row => string.Join(
            ' ', row.GetProperty("model").GetString(), row.GetProperty("ledgerCalls"), Raw(row, "otherCalls"), Total(row, "ledgerTokens"), Total(row, "otherTokens"),
            row.GetProperty("driftTokens"), Number(row, "driftShare"), Number(row, "ledgerCostUsd"), Number(row, "otherCostUsd"), Number(row, "driftCostUsd"),
            Raw(row, "aboveThreshold"))).ToList();

    private static string Raw(JsonElement row, string name) => row.GetProperty(name).GetRawText();

    private static string Number(JsonElement row, string name) => row.GetProperty(name) is { ValueKind: JsonValueKind.Number } value
        ? value.GetDecimal().ToString("0.############", System.Globalization.CultureInfo.InvariantCulture) : "null";

    private static long Total(JsonElement row, string name) =>
        row.GetProperty(name).GetProperty("prompt").GetInt64() + row.GetProperty(name).GetProperty("completion").GetInt64();

    private async Task<JsonElement> GetAsync(string path) => await _client.GetFromJsonAsync<JsonElement>(path, Cancellation);

    private async Task<HttpResponseMessage> PostAsync(string csv, string name = "march") =>
        await _client.PostAsync($"/reconciliation/invoices?name={name}", new StringContent(csv, Encoding.UTF8, "text/csv"), Cancellation);

    private async Task<JsonElement> ImportAsync(string csv)
    {
        using var response = await PostAsync(csv);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Cancellation));
        return await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
    }

    private async Task CompareAsync(params GatewayLog[] logs)
    {
        await using var session = await new Reconciler(_api.Services.GetRequiredService<NpgsqlDataSource>()).TryBeginAsync(Cancellation);
        await session!.BeginDayAsync(Cancellation);
        await session.AddAsync(logs, Cancellation);
        await session.CompareAsync(Day, DateTimeOffset.UtcNow, 10, Cancellation);
        await session.SaveStateAsync(null, 0.25m, DateTimeOffset.UtcNow, Cancellation);
    }

    private Task<long> PriceAsync(string model, decimal input, decimal output) => _api.Services.GetRequiredService<PriceRegistry>().SaveAsync(
        PriceSource.Manual, "ann", "x",
        [new("openai", model, "input", Noon.AddDays(-1), input), new("openai", model, "output", Noon.AddDays(-1), output)], null, true, Cancellation);

    /// <summary>A call of a model at noon, in the ledger.</summary>
    private async Task<Guid> UseAsync(string? model, long promptTokens, long completionTokens)
    {
        var id = Guid.CreateVersion7(Noon);
        await _api.Services.GetRequiredService<IUsageEventWriter>().WriteAsync(
            new UsageEvent
            {
                Id = id,
                RequestId = Guid.NewGuid(),
                UserId = Guid.NewGuid(),
                OrgId = Guid.NewGuid(),
                Operation = UsageOperation.Chat,
                ModelAlias = "a",
                Provider = "openai",
                ServedModel = model,
                PromptTokens = promptTokens,
                CompletionTokens = completionTokens,
                Source = UsageSource.Provider,
                Outcome = UsageOutcome.Completed,
                DurationMs = 1,
            },
            Cancellation);
        var ingestion = ActivatorUtilities.CreateInstance<UsageIngestion>(_api.Services);
        while (await ingestion.IngestAsync(100, Cancellation) is { Taken: > 0 })
        {
        }

        return id;
    }
}

using Bunit;
using LlmAspire.Web.Reconciliation;
using Microsoft.AspNetCore.Components.Forms;
using Microsoft.AspNetCore.Http;

namespace LlmAspire.Web.Tests.Reports;

public sealed class ReconciliationPageTests
{
    private string? _csv;
    private string? _contentType;

    [Fact]
    public async Task drift_above_the_threshold_is_noticed()
    {
        await using var test = await OpenAsync("/operator/reconciliation");
        test.UntilThere(TestIds.DriftNotice);

        Assert.Contains("1 of 2 rows drift more than 1.0\u00a0%", test.Find(TestIds.DriftNotice).TextContent);
        var row = test.Find(TestIds.Drift, "tr[data-above]");
        Assert.Equal("claude", row.GetAttribute("data-model"));
        Assert.Equal(["1100", "1000", "100", "0.1"], new[] { "ledgerTokens", "otherTokens", "driftTokens", "driftShare" }.Select(name => row.QuerySelector($"[data-figure={name}]")?.GetAttribute("value")));
        Assert.Contains("GET /reconciliation?from=2026-10-25&to=2026-11-24&source=gateway", test.Api.Asked);
    }

    [Fact]
    public async Task without_drift_that_is_said_too()
    {
        await using var test = await OpenAsync("/operator/reconciliation", answers => answers["/reconciliation"] = _ => Report(false));

        test.UntilThere(TestIds.DriftFine);
        Assert.Empty(test.FindAll(TestIds.DriftNotice));
    }

    [Fact]
    public async Task a_gateway_that_keeps_no_record_is_said()
    {
        await using var test = await OpenAsync("/operator/reconciliation", answers => answers["/reconciliation"] = _ => Report(true, "no_database"));
        test.UntilThere(TestIds.GatewayNotice);

        Assert.Contains("LiteLLM needs a database", test.Find(TestIds.GatewayNotice).TextContent);
    }

    [Fact]
    public async Task a_row_has_an_address_that_shows_the_calls_that_differ()
    {
        await using var test = await OpenAsync("/operator/reconciliation");
        test.UntilThere(TestIds.Drift);
        var address = test.Find(TestIds.Drift, "tr[data-above] a").GetAttribute("href")!;
        Assert.Equal("/operator/reconciliation?source=gateway&from=2026-10-25&until=2026-11-23&day=2026-11-22&provider=anthropic&model=claude", address);

        await test.Page.InvokeAsync(() => test.Navigation.NavigateTo(address));

        test.UntilThere(TestIds.Differences);
        Assert.Contains("GET /reconciliation/differences?day=2026-11-22&provider=anthropic&model=claude", test.Api.Asked);
        Assert.Contains("not at the gateway", test.Find(TestIds.Differences, "tr[data-kind=missing_at_gateway]").TextContent);
        Assert.Equal(
            "/usage/calls/0195f000-0000-7000-8000-000000000001?scope=all", test.Find(TestIds.Differences, "tr[data-kind=missing_at_gateway] a").GetAttribute("href"));
        Assert.Single(test.AskedFor("/reconciliation")); // the table stays as it is
    }

    [Fact]
    public async Task an_invoice_is_sent_as_csv_and_compared()
    {
        await using var test = await OpenAsync("/operator/reconciliation?source=invoice");
        test.UntilThere(TestIds.InvoiceFile);

        test.Page.FindComponent<InputFile>().UploadFiles(InputFileContent.CreateFromText("day,provider,model,prompt_tokens,completion_tokens,cost_usd\n", "october.csv"));

        test.UntilThere(TestIds.Done);
        Assert.Equal("day,provider,model,prompt_tokens,completion_tokens,cost_usd\n", _csv);
        Assert.StartsWith("text/csv", _contentType);
        Assert.Contains("POST /reconciliation/invoices?name=october.csv", test.Api.Asked);
        test.Until(() => Assert.Equal(2, test.AskedFor("/reconciliation").Count));
    }

    [Fact]
    public async Task what_is_wrong_with_an_invoice_is_said_by_line()
    {
        await using var test = await OpenAsync("/operator/reconciliation", answers => answers["POST /reconciliation/invoices"] = _ =>
            ReportContext.Problem(400, "invoice_invalid", new[] { new { line = 3, message = "cost_usd is not a number." }, new { line = 7, message = "There is no such day." } }));
        test.UntilThere(TestIds.InvoiceFile);

        test.Page.FindComponent<InputFile>().UploadFiles(InputFileContent.CreateFromText("nonsense", "bad.csv"));

        test.UntilThere(TestIds.InvoiceErrors);
        Assert.Equal(["Line 3: cost_usd is not a number.", "Line 7: There is no such day."], test.FindAll(TestIds.InvoiceErrors, "li").Select(item => item.TextContent));
        Assert.Empty(test.FindAll(TestIds.Done));
    }

    [Fact]
    public async Task what_was_imported_is_listed()
    {
        await using var test = await OpenAsync("/operator/reconciliation");
        test.UntilThere(TestIds.Invoices);

        Assert.Contains("2026-09-01 to 2026-09-30", test.Find(TestIds.Invoices, "tr[data-name='september.csv']").TextContent);
        Assert.Equal("2", test.ValueOf(TestIds.Invoices, "replaced", "tr[data-name='september.csv']"));
        Assert.Equal("0.0312", test.ValueOf(TestIds.Invoices, "costUsd", "tr[data-name='september.csv']"));
    }

    [Fact]
    public async Task an_invoice_has_no_calls_to_open()
    {
        await using var test = await OpenAsync("/operator/reconciliation?source=invoice");
        test.UntilThere(TestIds.Drift);

        Assert.Empty(test.FindAll(TestIds.Drift, "a"));
        Assert.Contains("GET /reconciliation?from=2026-10-25&to=2026-11-24&source=invoice", test.Api.Asked);
    }

    private Task<ReportContext> OpenAsync(string address, Action<Dictionary<string, Func<HttpRequest, object>>>? arrange = null)
    {
        Dictionary<string, Func<HttpRequest, object>> answers = new()
        {
            ["/reconciliation"] = _ => Report(true),
            ["/reconciliation/invoices"] = _ => new[]
            {
                new { id = 1, name = "september.csv", author = "operator@demo.local", importedAt = "2026-10-03T09:12:00Z", lines = 62, replaced = 2, firstDay = "2026-09-01", lastDay = "2026-09-30", costUsd = 0.0312m },
            },
            ["/reconciliation/differences"] = _ => new object[]
            {
                new { gatewayCallId = "chatcmpl-1", callId = "0195f000-0000-7000-8000-000000000001", kind = "missing_at_gateway", ledgerPromptTokens = 90, ledgerCompletionTokens = 10, at = "2026-11-22T18:00:00Z" },
                new { gatewayCallId = "chatcmpl-2", callId = (string?)null, kind = "missing_in_ledger", otherPromptTokens = 9, otherCompletionTokens = 1, at = "2026-11-22T18:00:00Z" },
            },
            ["POST /reconciliation/invoices"] = request =>
            {
                using var reader = new StreamReader(request.Body);
                (_csv, _contentType) = (reader.ReadToEndAsync().GetAwaiter().GetResult(), request.ContentType);
                return new { };
            },
        };
        arrange?.Invoke(answers);
        return ReportContext.OpenAsync<ReconciliationPage>(address, answers);
    }

    private static object Report(bool drifts, string? problem = null) => new
    {
        threshold = 0.01m,
        lastComparedAt = "2026-11-23T19:00:00Z",
        gateway = new { available = problem is null, problem },
        rows = new[] { Row("openai", "gpt", 1000, 1000, false), Row("anthropic", "claude", drifts ? 1100 : 1000, 1000, drifts) },
    };

    private static object Row(string provider, string model, long ledger, long other, bool above) => new
    {
        day = "2026-11-22",
        provider,
        model,
        source = "gateway",
        ledgerCalls = 10,
        otherCalls = 9,
        ledgerTokens = new { prompt = ledger - 100, completion = 100 },
        otherTokens = new { prompt = other - 100, completion = 100 },
        driftTokens = ledger - other,
        driftShare = (ledger - other) / (decimal)other,
        ledgerCostUsd = 1.1m,
        otherCostUsd = 1m,
        driftCostUsd = 0.1m,
        aboveThreshold = above,
        missingInLedger = 0,
        missingAtGateway = 1,
        comparedAt = "2026-11-23T19:00:00Z",
    };
}

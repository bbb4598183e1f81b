using System.Data;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Microsoft.Playwright;
using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>The page of reconciliation, of real answers of which the gateway logged something else, and of invoices: every number on it is one that SQL gives.</summary>
public sealed class ReconciliationTests(StackFixture stack, BrowserFixture browser)
{
    private static readonly string[] Names =
    [
        "ledgerTokens", "otherTokens", "driftTokens", "driftShare", "ledgerCalls", "otherCalls", "ledgerCostUsd", "otherCostUsd", "driftCostUsd", "missingInLedger", "missingAtGateway",
    ];

    /// <summary>What others of the shared stack change while a page is read: the ledger's cost is that of the present, not that of the last comparison.</summary>
    private static readonly string[] Growing = ["ledgerCostUsd", "driftCostUsd"];

    /// <summary>The ledger's side by rows, not by roll-ups: what the worker compared, and what all of the day costs.</summary>
    private const string Gateway = """
        SELECT
            concat_ws(' ', day, nullif(result.provider, ''), nullif(result.model, '')),
            coalesce(used.tokens, 0), result.gateway_prompt_tokens + result.gateway_completion_tokens,
            coalesce(used.tokens, 0) - result.gateway_prompt_tokens - result.gateway_completion_tokens,
            round(result.differing_tokens::numeric / result.compared_tokens, 12), coalesce(used.calls, 0), result.gateway_calls,
            CASE WHEN used.calls > 0 THEN paid.cost ELSE 0 END, result.gateway_cost_usd,
            CASE WHEN used.calls > 0 THEN paid.cost ELSE 0 END - result.gateway_cost_usd, result.missing_in_ledger, result.missing_at_gateway
        FROM ledger.reconciliation_result AS result JOIN ledger.reconciliation_day AS done USING (day)
            LEFT JOIN LATERAL (
                SELECT count(*) AS calls, sum(call.prompt_tokens + call.completion_tokens)::bigint AS tokens
                FROM ledger.llm_usage AS call LEFT JOIN ledger.reconciliation_difference AS differing ON differing.day = done.day AND differing.call_id = call.id
                WHERE call.created_at >= done.day::timestamp AT TIME ZONE 'UTC' AND call.created_at < done.compared_until
                    -- A call without tokens counts when the gateway logged some for it.
                    AND (call.prompt_tokens + call.completion_tokens > 0 OR differing.gateway_prompt_tokens + differing.gateway_completion_tokens > 0)
                    -- The gateway may know who served a call, when the ledger does not.
                    AND coalesce(call.provider, differing.provider, '') = result.provider AND coalesce(call.served_model, differing.model, '') = result.model) AS used ON true
            LEFT JOIN LATERAL (
                SELECT CASE WHEN bool_or(unpriced) THEN NULL ELSE sum(cost_usd) END AS cost FROM ledger.call_cost(NULL, 'infinity')
                WHERE created_at >= done.day::timestamp AT TIME ZONE 'UTC' AND created_at < (done.day + 1)::timestamp AT TIME ZONE 'UTC'
                    AND coalesce(provider, '') = result.provider AND coalesce(served_model, '') = result.model) AS paid ON true
        """;

    private const string Invoices = """
        WITH used AS (
            SELECT
                (created_at AT TIME ZONE 'UTC')::date AS day, provider, served_model AS model, count(*) AS calls, sum(prompt_tokens)::bigint AS prompt,
                sum(completion_tokens)::bigint AS completion, CASE WHEN bool_or(unpriced) THEN NULL ELSE sum(cost_usd) END AS cost
            FROM ledger.call_cost(NULL, 'infinity') WHERE prompt_tokens + completion_tokens > 0 GROUP BY 1, 2, 3
        ), billed AS (
            SELECT DISTINCT ON (day, provider, model) day, provider, model, calls, prompt_tokens AS prompt, completion_tokens AS completion, cost_usd AS cost
            FROM ledger.invoice_line ORDER BY day, provider, model, import_id DESC
        ), both_sides AS (
            SELECT
                day, provider, model, coalesce(used.prompt, 0) AS prompt, coalesce(used.completion, 0) AS completion, coalesce(billed.prompt, 0) AS billed_prompt,
                coalesce(billed.completion, 0) AS billed_completion, coalesce(used.calls, 0) AS calls, CASE WHEN billed.day IS NULL THEN 0 ELSE billed.calls END AS billed_calls,
                CASE WHEN used.day IS NULL THEN 0 ELSE used.cost END AS cost, coalesce(billed.cost, 0) AS billed_cost
            FROM (SELECT * FROM used WHERE (day, provider) IN (SELECT day, provider FROM billed)) AS used FULL JOIN billed USING (day, provider, model)
        )
        SELECT
            concat_ws(' ', day, provider, model), prompt + completion, billed_prompt + billed_completion, prompt + completion - billed_prompt - billed_completion,
            round((abs(prompt - billed_prompt) + abs(completion - billed_completion))::numeric / (greatest(prompt, billed_prompt) + greatest(completion, billed_completion)), 12),
            calls, billed_calls, cost, billed_cost, cost - billed_cost
        FROM both_sides
        """;

    /// <summary>Is there a call of a compared day that the worker had not seen, or may not have seen, when it compared it?</summary>
    private const string Overlooked = """
        SELECT EXISTS (
            SELECT FROM ledger.reconciliation_day AS done JOIN ledger.llm_usage AS late
                ON late.created_at >= done.day::timestamp AT TIME ZONE 'UTC' AND late.created_at < done.compared_until AND late.recorded_at > done.ledger_as_of)
        """;

    [Fact]
    public async Task every_number_of_the_gateways_drift_is_that_of_the_ledger_and_the_logs()
    {
        using var patience = BrowserSteps.Patience();
        await using var database = await stack.OpenDatabaseAsync(patience.Token);
        var mail = BrowserSteps.NewMail();
        await using (var context = await browser.NewContextAsync(stack))
        {
            var page = await context.RegisterAsync("/register", mail, "Drifters");
            await page.ChatAsync("", "spend=+70", "spend=none");
        }

        await CallUnusedModelAsync(database, patience.Token);
        // The title of the conversation may be written with the same fault.
        await database.WaitForAsync(
            """
            SELECT count(*) FILTER (WHERE kind = 'tokens_differ') >= 1 AND count(*) FILTER (WHERE kind = 'missing_at_gateway') >= 1
            FROM ledger.reconciliation_difference JOIN ledger.llm_usage ON llm_usage.id = call_id JOIN tenant.account ON account.id = llm_usage.user_id WHERE account.email = $1
            """,
            patience.Token, mail);
        await database.WaitForAsync("SELECT sum(ledger_calls) = 2 FROM ledger.reconciliation_result WHERE model = 'gpt-6.1-sol'", patience.Token);

        await using var operators = await browser.NewContextAsync(stack);
        var reconciliation = await operators.OpenChatAsync("operator");
        await using var comparison = new HeldComparison(await stack.OpenDatabaseAsync(patience.Token));
        await CompareAsync(reconciliation, await comparison.HoldAsync(patience.Token), database, "/operator/reconciliation", Gateway, patience.Token);
        var above = await reconciliation.Locator("tr[data-above]").CountAsync();
        Assert.True(above > 0);
        Assert.Equal($"{above}", await reconciliation.GetByTestId("drift-notice").GetAttributeAsync("data-rows"));
        Assert.StartsWith($"{above} of {await reconciliation.Locator("[data-testid=drift] tbody tr").CountAsync()} rows drift more than 1.0\u00a0%.", await reconciliation.GetByTestId("drift-notice").InnerTextAsync(), StringComparison.Ordinal);
        await CompareDifferencesAsync(reconciliation, database, mail, patience.Token);
    }

    [Fact]
    public async Task every_number_of_invoices_is_that_of_the_ledger_and_the_file()
    {
        using var patience = BrowserSteps.Patience();
        await using var database = await stack.OpenDatabaseAsync(patience.Token);
        var (first, second) = (DateTimeOffset.UtcNow.AddDays(-3).Day(), DateTimeOffset.UtcNow.AddDays(-2).Day());
        var equal = (await SeedAsync(database, first, patience.Token), await SeedAsync(database, second, patience.Token));
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.OpenChatAsync("operator");
        await page.GotoAsync("/operator/reconciliation?source=invoice");

        await page.ImportInvoiceAsync("mistral.csv", [equal.Item1, equal.Item2, $"{second},mistral,billed-only,12,3,0.5,1"]);
        await page.ImportInvoiceAsync("corrected.csv", [$"{second},mistral,mistral-medium-latest,999999,8888,1.25,44"]);

        await CompareAsync(
            page, await ExpectedAsync(database, Invoices, patience.Token), database, "/operator/reconciliation?source=invoice", Invoices, patience.Token);
        var rows = page.GetByTestId("drift").Locator("tbody tr[data-provider=mistral]");
        // What was billed as it was used does not drift; the corrected line, and what was billed alone, do. Of what has no price the cost cannot be compared.
        Assert.Equal(
            [$"{second} billed-only", $"{second} mistral-medium-latest"],
            (await rows.EvaluateAllAsync<string[]>("rows => rows.filter(row => row.dataset.above !== undefined && row.dataset.model !== 'priceless').map(row => `${row.dataset.day} ${row.dataset.model}`)")).Order());
        var imports = await database.ReadAsync(
            """
            SELECT import.name, count(*), count(*) FILTER (WHERE EXISTS (
                    SELECT FROM ledger.invoice_line AS later WHERE (later.day, later.provider, later.model) = (line.day, line.provider, line.model) AND later.import_id > line.import_id)),
                sum(line.cost_usd)
            FROM ledger.invoice_import AS import JOIN ledger.invoice_line AS line ON line.import_id = import.id GROUP BY import.id
            """,
            patience.Token);
        Assert.Contains(imports, import => Equals(import[0], "mistral.csv") && Equals(import[1], 3L) && Equals(import[2], 1L));
        Assert.Equal(
            imports.SelectMany(import => new[] { "lines", "replaced", "costUsd" }.Select((name, i) => ((string)import[0]!, name, (decimal?)Convert.ToDecimal(import[i + 1], CultureInfo.InvariantCulture)))).Order(),
            (await page.FiguresAsync()).Where(figure => figure.Table == "invoices").Select(figure => (figure.Row, figure.Name, figure.Number)).Order());
    }

    /// <summary>Each number of the page is what SQL gives; the cost of a row to which others add meanwhile lies between what it gives before and after.</summary>
    private static async Task CompareAsync(
        IPage page, List<(string Row, string Name, decimal? Value)> before, NpgsqlConnection database, string address, string sql, CancellationToken cancellationToken)
    {
        await page.GotoAsync(address);
        await page.GetByTestId("drift").WaitForAsync();
        var shown = (await page.FiguresAsync()).Where(figure => figure.Table == "drift").Select(figure => (figure.Row, figure.Name, Value: figure.Number)).Order().ToList();
        var after = (await ExpectedAsync(database, sql, cancellationToken)).ToDictionary(figure => (figure.Row, figure.Name), figure => figure.Value);

        var grown = before.Where(figure => Growing.Contains(figure.Name) && after[(figure.Row, figure.Name)] != figure.Value).Select(figure => (figure.Row, figure.Name)).ToHashSet();
        Assert.Equal(before.Where(figure => !grown.Contains((figure.Row, figure.Name))), shown.Where(figure => !grown.Contains((figure.Row, figure.Name))));
        Assert.NotEmpty(shown);
        Assert.All(before.Where(figure => grown.Contains((figure.Row, figure.Name))), figure => Assert.InRange(
            shown.Single(one => (one.Row, one.Name) == (figure.Row, figure.Name)).Value ?? decimal.MaxValue, figure.Value ?? decimal.MinValue, after[(figure.Row, figure.Name)] ?? decimal.MaxValue));

        await page.CheckTimesAsync("UTC");
        await page.CheckRowsAsync("[data-testid=drift] tbody tr", "new Date(row.dataset.day).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' }).replace('Sept', 'Sep')");
        Assert.Empty(await page.EvaluateAsync<string[]>("() => [...document.querySelectorAll('[data-testid=drift] tbody tr')].filter(row => row.dataset.model && !row.cells[1].innerText.startsWith(row.dataset.model)).map(row => row.innerText)"));
    }

    private static async Task<List<(string Row, string Name, decimal? Value)>> ExpectedAsync(NpgsqlConnection database, string sql, CancellationToken cancellationToken) =>
        [.. (await database.ReadAsync(sql, cancellationToken))
            .SelectMany(row => row.Skip(1).Select((value, i) => ((string)row[0]!, Names[i], value is null ? (decimal?)null : Convert.ToDecimal(value, CultureInfo.InvariantCulture)))).Order()];

    private static async Task CompareDifferencesAsync(IPage page, NpgsqlConnection database, string mail, CancellationToken cancellationToken)
    {
        var call = Assert.Single(await database.ReadAsync(
            """
            SELECT differing.day::text, differing.provider, differing.model
            FROM ledger.reconciliation_difference AS differing JOIN ledger.llm_usage AS call ON call.id = differing.call_id JOIN tenant.account ON account.id = call.user_id
            WHERE account.email = $1 AND differing.kind = 'missing_at_gateway' ORDER BY differing.at DESC LIMIT 1
            """,
            cancellationToken, mail));
        await page.Locator($"tr[data-above][data-day='{call[0]}'][data-provider='{call[1]}'][data-model='{call[2]}'] a").ClickAsync();
        await page.GetByTestId("differences").WaitForAsync();
        var shown = await page.EvaluateAsync<string[]>("""
            () => [...document.querySelectorAll('[data-testid=differences] tbody tr')].map(row => [row.dataset.gatewayCallId, row.dataset.kind,
                ...['ledgerPromptTokens', 'ledgerCompletionTokens', 'otherPromptTokens', 'otherCompletionTokens'].map(name => row.querySelector(`[data-figure=${name}]`).getAttribute('value'))].join(' '))
            """);
        var rows = await database.ReadAsync(
            """
            SELECT concat_ws(' ', gateway_call_id, kind, coalesce(ledger_prompt_tokens::text, ''), coalesce(ledger_completion_tokens::text, ''),
                coalesce(gateway_prompt_tokens::text, ''), coalesce(gateway_completion_tokens::text, ''))
            FROM ledger.reconciliation_difference WHERE day = $1::date AND provider = $2 AND model = $3
            """,
            cancellationToken, call!);
        // And in words.
        await page.FiguresAsync();
        await page.CheckTimesAsync("UTC");
        Assert.Equal(rows.Select(one => (string)one[0]!).Order(StringComparer.Ordinal), shown.Order(StringComparer.Ordinal));
        Assert.Contains(shown, one => one.Contains(" tokens_differ ", StringComparison.Ordinal));
        Assert.Contains(shown, one => one.Contains(" missing_at_gateway ", StringComparison.Ordinal));
    }

    /// <summary>
    /// Makes two calls of a model that no other test uses: one that the ledger has as the gateway logged it, and one of which the ledger did not learn who served
    /// it, as of a call that was stopped before its first byte.
    /// </summary>
    private async Task CallUnusedModelAsync(NpgsqlConnection database, CancellationToken cancellationToken)
    {
        using var gateway = new HttpClient { BaseAddress = stack.App.GetEndpoint("litellm", "http") };
        gateway.DefaultRequestHeaders.Authorization = new("Bearer", StackFixture.GatewayKey);
        foreach (var isKnown in (bool[])[true, false])
        {
            var id = Guid.CreateVersion7();
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
            {
                Content = JsonContent.Create(new { model = "strong-reasoning", messages = new[] { new { role = "user", content = "Explain rain <<demo length=40 pace=0>>" } } }),
                Headers = { { "x-litellm-call-id", $"{id}" } },
            };
            using var response = (await gateway.SendAsync(request, cancellationToken)).EnsureSuccessStatusCode();
            var usage = (await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken)).GetProperty("usage");
            await using var insert = new NpgsqlCommand(
                """
                INSERT INTO ledger.usage_inbox (
                    id, request_id, user_id, org_id, operation, model_alias, provider, served_model, prompt_tokens, completion_tokens, source, outcome, duration_ms)
                VALUES ($1, $1, $1, $1, 'chat', 'strong-reasoning', $2, $3, $4, $5, 'provider', 'completed', 1000)
                """,
                database);
            insert.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
            insert.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = isKnown ? "openai" : null, NpgsqlDbType = NpgsqlDbType.Text });
            insert.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = isKnown ? "gpt-6.1-sol" : null, NpgsqlDbType = NpgsqlDbType.Text });
            insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = usage.GetProperty("prompt_tokens").GetInt64() });
            insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = isKnown ? usage.GetProperty("completion_tokens").GetInt64() : 0 });
            await insert.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <summary>Has the worker ingest calls of a day, of a model with a price and of one without.</summary>
    /// <returns>The line of an invoice that charges for the first just what the ledger has.</returns>
    private static async Task<string> SeedAsync(NpgsqlConnection database, string day, CancellationToken cancellationToken)
    {
        var random = new Random(3);
        var start = DateTimeOffset.Parse(day, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
        await using var insert = new NpgsqlCommand(
            """
            INSERT INTO ledger.usage_inbox (
                id, request_id, user_id, org_id, operation, model_alias, provider, served_model, prompt_tokens, completion_tokens, cached_prompt_tokens, source, outcome, duration_ms)
            SELECT id, id, $1, $1, 'chat', 'billed', 'mistral', CASE WHEN number % 5 = 0 THEN 'priceless' ELSE 'mistral-medium-latest' END, 1000 * number + 7, 100 * number, 5, 'provider', 'completed', 1000
            FROM unnest($2) WITH ORDINALITY AS call (id, number)
            """,
            database);
        var org = Guid.NewGuid();
        insert.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        insert.Parameters.Add(new NpgsqlParameter<Guid[]>
        {
            TypedValue = [.. Enumerable.Range(0, 20).Select(_ => Guid.CreateVersion7(start.AddHours(24 * random.NextDouble())))],
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid,
        });
        await insert.ExecuteNonQueryAsync(cancellationToken);
        await database.WaitForAsync("SELECT count(*) = 20 FROM ledger.llm_usage WHERE org_id = $1", cancellationToken, org);
        var line = await database.ReadAsync(
            """
            SELECT concat_ws(',', $2::text, provider, served_model, sum(prompt_tokens), sum(completion_tokens), sum(cost_usd), count(*))
            FROM ledger.call_cost(NULL, 'infinity') WHERE org_id = $1 AND NOT unpriced GROUP BY provider, served_model
            """,
            cancellationToken, org, day);
        return (string)Assert.Single(line)[0]!;
    }

    /// <summary>One comparison of the worker: while this is there, it makes no other, and what it found stays as it is.</summary>
    private sealed class HeldComparison(NpgsqlConnection connection) : IAsyncDisposable
    {
        private const string Key = "hashtextextended('ledger.reconciliation', 0)";

        /// <summary>Waits for a comparison of which it is known what it saw, and returns what the page shows of it.</summary>
        public async Task<List<(string Row, string Name, decimal? Value)>> HoldAsync(CancellationToken cancellationToken)
        {
            while (true)
            {
                await connection.ReadAsync($"SELECT pg_advisory_lock({Key})", cancellationToken);
                await using (await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken))
                {
                    if ((await connection.ReadAsync(Overlooked, cancellationToken))[0][0] is false)
                    {
                        return await ExpectedAsync(connection, Gateway, cancellationToken);
                    }
                }

                // Others' calls were recorded since: of the next one.
                var last = (await connection.ReadAsync("SELECT asked_at FROM ledger.reconciliation_gateway", cancellationToken))[0][0]!;
                await ReleaseAsync();
                await connection.WaitForAsync("SELECT asked_at > $1 FROM ledger.reconciliation_gateway", cancellationToken, last);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await ReleaseAsync();
            await connection.DisposeAsync();
        }

        private async Task ReleaseAsync() => await connection.ReadAsync($"SELECT pg_advisory_unlock({Key})", CancellationToken.None);
    }
}

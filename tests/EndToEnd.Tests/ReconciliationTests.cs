using System.Globalization;
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
                SELECT count(*) AS calls, sum(prompt_tokens + completion_tokens)::bigint AS tokens FROM ledger.llm_usage
                WHERE created_at >= done.day::timestamp AT TIME ZONE 'UTC' AND created_at < done.compared_until
                    -- A call without tokens counts when the gateway logged some for it.
                    AND (prompt_tokens + completion_tokens > 0 OR id IN (
                        SELECT call_id FROM ledger.reconciliation_difference WHERE gateway_prompt_tokens + gateway_completion_tokens > 0))
                    AND coalesce(provider, '') = result.provider AND coalesce(served_model, '') = result.model) AS used ON true
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

    [Fact]
    public async Task every_number_of_the_gateways_drift_is_that_of_the_ledger_and_the_logs()
    {
        using var patience = BrowserSteps.Patience();
        await using var database = await stack.OpenDatabaseAsync(patience.Token);
        await using (var context = await browser.NewContextAsync(stack))
        {
            var mail = BrowserSteps.NewMail();
            var page = await context.RegisterAsync("/register", mail, "Drifters");
            await page.ChatAsync("", "spend=+70", "spend=none");
            // Their title may be written with the same fault.
            await database.WaitForAsync(
                """
                SELECT count(*) FILTER (WHERE kind = 'tokens_differ') >= 1 AND count(*) FILTER (WHERE kind = 'missing_at_gateway') >= 1
                FROM ledger.reconciliation_difference JOIN ledger.llm_usage ON llm_usage.id = call_id JOIN tenant.account ON account.id = llm_usage.user_id WHERE account.email = $1
                """,
                patience.Token, mail);
        }

        await using var operators = await browser.NewContextAsync(stack);
        var reconciliation = await operators.OpenChatAsync("operator");
        await CompareAsync(reconciliation, database, "/operator/reconciliation", Gateway, patience.Token);
        var above = await reconciliation.Locator("tr[data-above]").CountAsync();
        Assert.True(above > 0);
        Assert.Equal($"{above}", await reconciliation.GetByTestId("drift-notice").GetAttributeAsync("data-rows"));
        Assert.StartsWith($"{above} of {await reconciliation.Locator("[data-testid=drift] tbody tr").CountAsync()} rows drift more than 1.0\u00a0%.", await reconciliation.GetByTestId("drift-notice").InnerTextAsync(), StringComparison.Ordinal);
        await CompareDifferencesAsync(reconciliation, database, patience.Token);
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

        await CompareAsync(page, database, "/operator/reconciliation?source=invoice", Invoices, patience.Token);
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

    /// <summary>Others chat meanwhile, and the worker looks every few seconds: until page and SQL are of one look.</summary>
    private static async Task CompareAsync(IPage page, NpgsqlConnection database, string address, string sql, CancellationToken cancellationToken)
    {
        const int MostLooks = 20;
        for (var look = 1; ; look++)
        {
            var before = await ExpectedAsync(database, sql, cancellationToken);
            await page.GotoAsync(address);
            await page.GetByTestId("drift").WaitForAsync();
            var shown = (await page.FiguresAsync()).Where(figure => figure.Table == "drift").Select(figure => (figure.Row, figure.Name, figure.Number)).Order().ToList();
            var after = await ExpectedAsync(database, sql, cancellationToken);
            if (look == MostLooks || (before.SequenceEqual(after) && before.SequenceEqual(shown)))
            {
                Assert.Equal(after, shown);
                Assert.NotEmpty(shown);
                await page.CheckTimesAsync("UTC");
                await page.CheckRowsAsync("[data-testid=drift] tbody tr", "new Date(row.dataset.day).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' }).replace('Sept', 'Sep')");
                Assert.Empty(await page.EvaluateAsync<string[]>("() => [...document.querySelectorAll('[data-testid=drift] tbody tr')].filter(row => row.dataset.model && !row.cells[1].innerText.startsWith(row.dataset.model)).map(row => row.innerText)"));
                return;
            }
        }
    }

    private static async Task<List<(string Row, string Name, decimal? Value)>> ExpectedAsync(NpgsqlConnection database, string sql, CancellationToken cancellationToken) =>
        [.. (await database.ReadAsync(sql, cancellationToken))
            .SelectMany(row => row.Skip(1).Select((value, i) => ((string)row[0]!, Names[i], value is null ? (decimal?)null : Convert.ToDecimal(value, CultureInfo.InvariantCulture)))).Order()];

    private static async Task CompareDifferencesAsync(IPage page, NpgsqlConnection database, CancellationToken cancellationToken)
    {
        var row = page.Locator("tr[data-above][data-provider=openai]").First;
        var (day, model) = (await row.GetAttributeAsync("data-day"), await row.GetAttributeAsync("data-model"));
        await row.Locator("a").ClickAsync();
        await page.GetByTestId("differences").WaitForAsync();
        // Of one look, which the page was opened at: others may chat meanwhile.
        var shown = await page.EvaluateAsync<string[]>("""
            () => [...document.querySelectorAll('[data-testid=differences] tbody tr')].map(row => [row.dataset.gatewayCallId, row.dataset.kind,
                ...['ledgerPromptTokens', 'ledgerCompletionTokens', 'otherPromptTokens', 'otherCompletionTokens'].map(name => row.querySelector(`[data-figure=${name}]`).getAttribute('value'))].join(' '))
            """);
        var rows = await database.ReadAsync(
            """
            SELECT concat_ws(' ', gateway_call_id, kind, coalesce(ledger_prompt_tokens::text, ''), coalesce(ledger_completion_tokens::text, ''),
                coalesce(gateway_prompt_tokens::text, ''), coalesce(gateway_completion_tokens::text, ''))
            FROM ledger.reconciliation_difference WHERE day = $1::date AND provider = 'openai' AND model = $2
            """,
            cancellationToken, day!, model!);
        // And in words.
        await page.FiguresAsync();
        await page.CheckTimesAsync("UTC");
        Assert.NotEmpty(shown);
        Assert.Subset(rows.Select(one => (string)one[0]!).ToHashSet(), shown.ToHashSet());
        Assert.Contains(shown, one => one.Contains(" tokens_differ ", StringComparison.Ordinal));
        Assert.Contains(shown, one => one.Contains(" missing_at_gateway ", StringComparison.Ordinal));
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
}

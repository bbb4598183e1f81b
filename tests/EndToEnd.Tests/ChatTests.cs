using System.Globalization;
using Microsoft.Playwright;
using Npgsql;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>From a message in the browser to a row in the ledger, and one trace across all that took part.</summary>
public sealed class ChatTests(StackFixture stack, BrowserFixture browser)
{
    [Fact]
    public async Task a_message_in_the_browser_becomes_an_answer_and_a_row_in_the_ledger()
    {
        using var patience = BrowserSteps.Patience();
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.OpenChatAsync();

        var usage = await SendAsync(page, "Explain binary search with a code example");
        await page.ScreenshotAsync(new PageScreenshotOptions { Path = Artifacts.PathOf("chat.png"), FullPage = true });

        var row = await ReadRowAsync(Guid.Parse(usage.CallId), patience.Token);
        Assert.Equal(usage.PromptTokens, row.PromptTokens);
        Assert.Equal(usage.CompletionTokens, row.CompletionTokens);
        Assert.True(row.PromptTokens > 0);
        Assert.True(row.CompletionTokens > 0);
        Assert.Equal("chat-default", row.ModelAlias);
        Assert.Equal("openai", row.Provider);
        Assert.Equal(usage.TraceId, row.TraceId);
        Assert.Equal("provider", row.Source);
        Assert.Equal("completed", row.Outcome);
    }

    [Fact]
    public async Task two_messages_in_one_tab_are_two_traces_each_across_web_api_and_worker()
    {
        using var patience = BrowserSteps.Patience();
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.OpenChatAsync();

        var first = await SendAsync(page, "Hello");
        var second = await SendAsync(page, "Thanks");

        Assert.NotEqual(first.TraceId, second.TraceId);
        foreach (var usage in new[] { first, second })
        {
            await stack.Otlp.WaitForAsync(spans => IsWhole(spans, usage.TraceId), patience.Token);
            AssertOneTree(stack.Otlp.Spans.Where(span => span.TraceId == usage.TraceId).ToList());
        }
    }

    [Fact]
    public async Task stop_keeps_what_was_said_and_leaves_one_stopped_row()
    {
        using var patience = BrowserSteps.Patience();
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.OpenChatAsync();

        await page.GetByTestId("message-input").FillAsync("Write a long explanation of database indexes with tables and code");
        await page.GetByTestId("send").ClickAsync();
        await page.Locator("[data-testid=answer][data-state=streaming]").WaitForAsync();
        await page.GetByTestId("stop").ClickAsync();
        await page.Locator("[data-testid=answer][data-state=stopped]").WaitForAsync();

        var usage = await ReadUsageAsync(page);
        var row = await ReadRowAsync(Guid.Parse(usage.CallId), patience.Token);
        Assert.Equal(("stopped", "estimated"), (row.Outcome, row.Source));
        Assert.Equal((usage.PromptTokens, usage.CompletionTokens), (row.PromptTokens, row.CompletionTokens));
        Assert.True(row.PromptTokens > 0);
        Assert.Equal(usage.TraceId, row.TraceId);
    }

    /// <summary>One root, in web; the worker's spans hang below spans of the api: a first message has its conversation named too, by a call of its own.</summary>
    private static void AssertOneTree(IReadOnlyList<ExportedSpan> trace)
    {
        var root = Assert.Single(trace, span => span.ParentSpanId.Length == 0);
        Assert.Equal("web", root.Service);
        var ingested = trace.Where(span => span.Service == "usage-worker").ToList();
        Assert.NotEmpty(ingested);
        Assert.All(ingested, one => Assert.Contains(trace, span => span.SpanId == one.ParentSpanId && span.Service == "api"));
    }

    /// <summary>Each service exports when it likes: every service has spoken and no span's parent is still to come.</summary>
    private static bool IsWhole(IReadOnlyCollection<ExportedSpan> spans, string traceId)
    {
        var trace = spans.Where(span => span.TraceId == traceId).ToList();
        var ids = trace.Select(span => span.SpanId).ToHashSet();
        return trace.Select(span => span.Service).ToHashSet().IsSupersetOf(["web", "api", "litellm", "usage-worker"])
            && trace.All(span => span.ParentSpanId.Length == 0 || ids.Contains(span.ParentSpanId));
    }

    private static async Task<ShownUsage> SendAsync(IPage page, string message)
    {
        var answers = await page.GetByTestId("usage").CountAsync();
        await page.GetByTestId("message-input").FillAsync(message);
        await page.GetByTestId("send").ClickAsync();
        await page.GetByTestId("usage").Nth(answers).WaitForAsync();
        await page.Locator("[data-testid=answer][data-state=done]").Nth(answers).WaitForAsync();

        return await ReadUsageAsync(page);
    }

    private static async Task<ShownUsage> ReadUsageAsync(IPage page)
    {
        var usage = page.GetByTestId("usage").Last;
        return new ShownUsage(
            await usage.GetAttributeAsync("data-call-id") ?? "",
            await usage.GetAttributeAsync("data-trace-id") ?? "",
            long.Parse(await usage.GetAttributeAsync("data-prompt-tokens") ?? "", CultureInfo.InvariantCulture),
            long.Parse(await usage.GetAttributeAsync("data-completion-tokens") ?? "", CultureInfo.InvariantCulture));
    }

    /// <summary>The row comes when the worker has taken its event: its span says so, and polling stands in where there is none.</summary>
    private async Task<LedgerRow> ReadRowAsync(Guid callId, CancellationToken cancellationToken)
    {
        await using var connection = await stack.OpenDatabaseAsync(cancellationToken);
        while (true)
        {
            await using var command = new NpgsqlCommand(
                """
                SELECT prompt_tokens, completion_tokens, model_alias, provider, trace_id, source, outcome
                FROM ledger.llm_usage
                WHERE id = $1
                """,
                connection)
            {
                Parameters = { new NpgsqlParameter<Guid> { TypedValue = callId } },
            };
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            if (await reader.ReadAsync(cancellationToken))
            {
                return new LedgerRow(
                    reader.GetInt64(0),
                    reader.GetInt64(1),
                    reader.GetString(2),
                    await reader.IsDBNullAsync(3, cancellationToken) ? null : reader.GetString(3),
                    reader.GetString(4),
                    reader.GetString(5),
                    reader.GetString(6));
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
        }
    }

    private sealed record ShownUsage(string CallId, string TraceId, long PromptTokens, long CompletionTokens);

    private sealed record LedgerRow(long PromptTokens, long CompletionTokens, string ModelAlias, string? Provider, string TraceId, string Source, string Outcome);
}

using Npgsql;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>What is in the traces of the stack, and what their spans are called.</summary>
public sealed class TraceTests(StackFixture stack, BrowserFixture browser)
{
    private const int Cycles = 3;

    /// <summary>All of the run is looked at once more when the stack is stopped, see <see cref="StackFixture.DisposeAsync"/>.</summary>
    [Fact]
    public async Task what_the_stack_does_by_itself_is_in_no_trace()
    {
        using var patience = BrowserSteps.Patience();
        foreach (var sign in new[]
        {
            "SELECT max(reported_at)::text FROM ledger.api_instance", // the Api lives; it asks the gateway for its models as often
            "SELECT max(asked_at)::text FROM ledger.reconciliation_gateway", // the worker has asked for spend logs
        })
        {
            await WaitForCyclesAsync(sign, patience.Token);
        }

        RootSpans.AssertOfPeople(stack.Otlp.Spans);
    }

    [Fact]
    public async Task the_spans_of_a_message_say_what_was_done_and_its_words_are_in_those_of_the_model_alone()
    {
        using var patience = BrowserSteps.Patience();
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.OpenChatAsync();
        var word = $"word{Guid.NewGuid():N}";

        await page.GetByTestId("message-input").FillAsync($"Explain {word}");
        await page.GetByTestId("send").ClickAsync();
        await page.Locator("[data-testid=answer][data-state=done]").WaitForAsync();
        var usage = page.GetByTestId("usage").Last;
        var traceId = await usage.GetAttributeAsync("data-trace-id");
        await stack.Otlp.WaitForAsync(spans => OfTrace(spans).Any(span => span.Name == "UPDATE conversation") && OfTrace(spans).Any(span => span.Name == "ingest usage"), patience.Token);
        var trace = OfTrace(stack.Otlp.Spans);

        Assert.Contains(trace, span => (span.Service, span.Source, span.Name) == ("web", "LlmAspire.Web", "chat send"));
        Assert.Contains(trace, span => (span.Service, span.Source, span.Name) == ("web", "System.Net.Http", "POST /chat"));
        Assert.Contains(trace, span => (span.Service, span.Source, span.Name) == ("api", "System.Net.Http", "POST /v1/chat/completions"));
        Assert.DoesNotContain(trace, span => span.Name is "GET" or "POST" or "postgresql" or "llm");
        Assert.All(trace.Where(span => span.Tags.ContainsKey("db.query.text")), span => Assert.Equal(span.Name, span.Tags["db.query.summary"]));

        var chat = Assert.Single(trace, span => span.Name == "chat chat-default");
        Assert.Equal(
            ("chat", "openai", "chat-default", "chat-default"),
            (chat.Tags["gen_ai.operation.name"], chat.Tags["gen_ai.provider.name"], chat.Tags["gen_ai.request.model"], chat.Tags["gen_ai.response.model"]));
        Assert.Equal(await usage.GetAttributeAsync("data-prompt-tokens"), chat.Tags["gen_ai.usage.input_tokens"]);
        Assert.Equal(await usage.GetAttributeAsync("data-completion-tokens"), chat.Tags["gen_ai.usage.output_tokens"]);

        // Aspire switches it on when the stack runs (OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT); PlantedSecretsTests shows what is there without.
        Assert.Contains(word, chat.Tags["gen_ai.input.messages"], StringComparison.Ordinal);
        Assert.DoesNotContain(
            stack.Otlp.Spans.SelectMany(span => span.Tags.Append(new("name", span.Name)).Select(tag => (Span: span, tag.Key, tag.Value))),
            said => said.Value.Contains(word, StringComparison.Ordinal) && said.Key is not ("gen_ai.input.messages" or "gen_ai.output.messages"));

        List<ExportedSpan> OfTrace(IEnumerable<ExportedSpan> spans) => [.. spans.Where(span => span.TraceId == traceId)];
    }

    [Fact]
    public async Task a_page_that_is_opened_is_one_trace_with_all_that_it_asks_for()
    {
        using var patience = BrowserSteps.Patience();
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.OpenChatAsync();
        var before = stack.Otlp.Spans.Count;

        await page.GotoAsync("/prompts");

        await stack.Otlp.WaitForAsync(
            spans => spans.Skip(before).Any(root => root is { Source: "LlmAspire.Web.Page", Name: "page /prompts", ParentSpanId: "" }
                && spans.Any(asked => asked.TraceId == root.TraceId && (asked.Service, asked.Name) == ("web", "GET /prompts"))
                && spans.Any(read => read.TraceId == root.TraceId && (read.Service, read.Name) == ("api", "SELECT prompt"))),
            patience.Token);
    }

    /// <summary>Waits until what a job writes down has changed some times.</summary>
    private async Task WaitForCyclesAsync(string sign, CancellationToken cancellationToken)
    {
        await using var connection = await stack.OpenDatabaseAsync(cancellationToken);
        var seen = new HashSet<string>();
        while (seen.Count <= Cycles)
        {
            await using var command = new NpgsqlCommand(sign, connection);
            if (await command.ExecuteScalarAsync(cancellationToken) is string now)
            {
                seen.Add(now);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
        }
    }
}

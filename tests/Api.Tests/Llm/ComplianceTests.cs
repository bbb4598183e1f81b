using LlmAspire.Api.Llm;
using LlmAspire.Usage;

namespace LlmAspire.Api.Tests.Llm;

/// <summary>
/// Every shape in which a gateway answers, of every provider, every way in which a call ends, over every path into the one handler: the ledger against what the
/// gateway itself says it served.
/// </summary>
public sealed class ComplianceTests(ComplianceFixture stack, ITestOutputHelper output) : IClassFixture<ComplianceFixture>
{
    /// <summary>How far an estimate of English prose may be off.</summary>
    private const double Tolerance = 0.03;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, string, Ending, CallPath, bool, OnStop> Cases()
    {
        var cases = new TheoryData<string, string, Ending, CallPath, bool, OnStop>();
        foreach (var (name, shape) in Shape.All)
        {
            foreach (var (alias, path, streamed) in
                from alias in shape.Only ?? Shape.Aliases.Keys
                from path in Enum.GetValues<CallPath>()
                from streamed in (bool[])[true, false]
                select (alias, path, streamed))
            {
                cases.Add(name, alias, Ending.Completed, path, streamed, OnStop.Cancel);
                cases.Add(name, alias, Ending.GatewayReset, path, streamed, OnStop.Cancel);
                foreach (var onStop in Enum.GetValues<OnStop>())
                {
                    cases.Add(name, alias, Ending.Stopped, path, streamed, onStop);
                    cases.Add(name, alias, Ending.ClientGone, path, streamed, onStop);
                }
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task the_ledger_says_what_was_served_or_says_that_it_is_an_estimate(string name, string alias, Ending ending, CallPath path, bool streamed, OnStop onStop)
    {
        var shape = Shape.All[name];
        // The same case is cut at the same token in every run, and every case at another.
        var cut = new Random(Array.IndexOf([.. Shape.All.Keys], name) + 100 * ((int)ending + 10 * ((int)path + 10 * ((int)onStop + (streamed ? 10 : 0))))).Next(60, Shape.Length - 20);
        using var call = new ComplianceCall(stack, shape, alias, ending, path, streamed, onStop, cut);

        await call.RunAsync(Token);

        var settled = Assert.Single(await call.Context.WhenSettledAsync());
        var rows = await stack.RowsAsync(call.Context);
        Assert.Equal(settled.Rows.Select(row => row.Id).Order(), rows.Select(row => row.Id).Order());
        rows = [.. settled.Rows.Select(told => rows.Single(row => row.Id == told.Id))];
        var served = await stack.ServedAsync(rows[0].Id);
        stack.Report(new Finding(name, alias, ending, onStop, rows[^1].Source, served.Tokens.Total, rows.Sum(row => row.PromptTokens + row.CompletionTokens)), output);

        Assert.Equal(shape.IsSplit && (streamed || !call.WasCut) ? 2 : 1, served.Calls);
        Assert.Equal(shape.IsSplit && streamed ? 2 : 1, rows.Count);
        Assert.Equal(ending switch
        {
            Ending.Completed => UsageOutcome.Completed,
            Ending.Stopped => UsageOutcome.Stopped,
            Ending.ClientGone => UsageOutcome.Disconnected,
            _ => UsageOutcome.Failed,
        }, rows[^1].Outcome);
        AssertServedBy(rows, served, isKnown: streamed || !call.WasCut);
        if (rows.Count > 1)
        {
            AssertBegun(rows[0], served.Parts[0]);
        }

        if (!call.WasCut)
        {
            AssertWhole(shape.SourceOf(alias, streamed), rows[^1], served.Last, streamed);
            // Of a plain answer the one before the fallback is lost, to us as to everybody: LiteLLM tells that there was one, and what the last used.
            Assert.Equal(shape.IsFallback && (shape.IsSplit || !streamed) ? 1 : 0, rows[^1].Fallbacks ?? 0);
        }
        else
        {
            AssertCut(rows, served, streamed ? call.TokensReceived : 0);
        }
    }

    public static TheoryData<string, string, string> Refusals() => Of(
        ("status=429", "model_busy"), ("status=500", "provider_failed"), ("status=401", "gateway_credentials_refused"), ("status=400", "provider_refused"),
        ("status=408", "model_timeout"), ("status=context", "context_too_long"));

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task a_call_that_the_gateway_refuses_is_a_failed_row_without_tokens(string alias, string fault, string code)
    {
        foreach (var path in Enum.GetValues<CallPath>())
        {
            foreach (var streamed in (bool[])[true, false])
            {
                using var call = new ComplianceCall(stack, new Shape(fault) { IsRefused = true }, alias, Ending.Completed, path, streamed, OnStop.Cancel, 0);

                await call.RunAsync(Token);

                Assert.Equal(code, Assert.Single(await call.Context.WhenSettledAsync()).Failure?.Code);
                var row = Assert.Single(await stack.RowsAsync(call.Context));
                Assert.Equal((UsageOutcome.Failed, UsageSource.None, 0L, 0L), (row.Outcome, row.Source, row.PromptTokens, row.CompletionTokens));
                Assert.Equal(0, (await stack.ServedAsync(row.Id)).Calls);
            }
        }
    }

    public static TheoryData<string, string, string> Breaks() => Of(
        ("error=70", "Failed"), ("eof=70", "Failed"), ("stall=70 for=1", "Failed"),
        // What LiteLLM ends like any other stream nobody can tell from a short answer; that its usage is a guess can be told.
        ("upstream-reset=70", "Completed"), ("upstream-eof=70", "Completed"), ("upstream-reset=70 proxy=newer", "Completed"), ("upstream-eof=70 proxy=newer", "Completed"));

    [Theory]
    [MemberData(nameof(Breaks))]
    public async Task a_stream_that_breaks_behind_the_gateway_is_an_estimate_of_what_came(string alias, string fault, string outcome)
    {
        foreach (var path in Enum.GetValues<CallPath>())
        {
            using var call = new ComplianceCall(stack, new Shape(fault), alias, Ending.Completed, path, streamed: true, OnStop.Cancel, 0);

            await call.RunAsync(Token);

            var row = Assert.Single(await stack.RowsAsync(call.Context));
            Assert.Equal(outcome, row.Outcome.ToString());
            // But for Mistral's, which looks like any other.
            Assert.Equal(alias == "mistral-default" && row.Outcome == UsageOutcome.Completed ? UsageSource.Provider : UsageSource.Estimated, row.Source);
            AssertWithin(70, row.CompletionTokens);
            AssertWithin((await stack.ServedAsync(row.Id)).Tokens.Prompt, row.PromptTokens);
        }
    }

    /// <summary>Each with each provider's alias.</summary>
    private static TheoryData<string, string, string> Of(params (string Fault, string Expected)[] faults)
    {
        var cases = new TheoryData<string, string, string>();
        foreach (var alias in Shape.Aliases.Keys)
        {
            foreach (var (fault, expected) in faults)
            {
                cases.Add(alias, fault, expected);
            }
        }

        return cases;
    }

    /// <summary>Who serves is said with the answer: before it nobody knows. Who goes on in the middle of a stream is not said; it never is the one before.</summary>
    private static void AssertServedBy(List<UsageRow> rows, Served served, bool isKnown)
    {
        var first = isKnown ? served.Parts[rows.Count > 1 ? 0 : ^1] : null;
        Assert.Equal((first?.Provider, first?.Model), (rows[0].Provider, rows[0].ServedModel));
        Assert.All(rows.Skip(1), row => Assert.Equal((null, null), (row.Provider, row.ServedModel)));
    }

    /// <summary>The part that another provider ended: nobody told what it used.</summary>
    private static void AssertBegun(UsageRow row, ServedPart served)
    {
        Assert.Equal((UsageOutcome.Failed, UsageSource.Estimated), (row.Outcome, row.Source));
        AssertWithin(served.Tokens.Prompt, row.PromptTokens);
        AssertWithin(served.Tokens.Completion, row.CompletionTokens);
    }

    /// <summary>The whole answer was read: to the token, unless nobody told.</summary>
    private static void AssertWhole(UsageSource source, UsageRow row, ServedPart served, bool streamed)
    {
        Assert.Equal(source, row.Source);
        if (source == UsageSource.Estimated)
        {
            AssertWithin(served.Tokens.Prompt, row.PromptTokens);
            AssertWithin(served.Tokens.Completion, row.CompletionTokens);
            return;
        }

        Assert.Equal((served.Tokens.Prompt, served.Tokens.Completion), (row.PromptTokens, row.CompletionTokens));
        var (cached, written, hour, reasoning) = Told(served, streamed);
        Assert.Equal((cached ?? 0, written ?? 0, hour ?? 0, reasoning ?? 0), (row.CachedPromptTokens ?? 0, row.CacheWriteTokens ?? 0, row.CacheWrite1hTokens ?? 0, row.ReasoningTokens ?? 0));
    }

    /// <summary>The classes of tokens that a provider tells, by way of LiteLLM. Null is what it does not.</summary>
    private static (long? Cached, long? Written, long? Hour, long? Reasoning) Told(ServedPart served, bool streamed)
    {
        var tokens = served.Tokens;
        return served.Provider switch
        {
            "openai" => (tokens.Cached, tokens.CacheWrite, null, tokens.Reasoning),
            // How long writes are kept a body tells, a stream does not. What it says of its thoughts is LiteLLM's own count.
            "anthropic" => (tokens.Cached, tokens.CacheWrite, streamed ? null : tokens.CacheWrite1h, null),
            "gemini" => (tokens.Cached, null, null, tokens.Reasoning),
            "mistral" => default,
            _ => throw new InvalidOperationException($"What does '{served.Provider}' tell?"),
        };
    }

    /// <summary>The answer was cut: never called exact, and close to what had reached us.</summary>
    private static void AssertCut(List<UsageRow> rows, Served served, long received)
    {
        var last = rows[^1];
        Assert.Contains(last.Source, (UsageSource[])[UsageSource.Estimated, UsageSource.Partial]);
        if (last.Source == UsageSource.Estimated)
        {
            var completion = rows.Sum(row => row.CompletionTokens);
            AssertWithin(received, completion);
            Assert.True(completion <= Math.Ceiling(served.Tokens.Completion * (1 + Tolerance)));
            // A fallback in the middle has a prompt of its own, which nobody sees.
            AssertWithin(rows.Count == 1 ? served.Tokens.Prompt : last.PromptTokens, last.PromptTokens);
        }
    }

    private static void AssertWithin(long expected, long actual) =>
        Assert.InRange(actual, Math.Floor(expected * (1 - Tolerance)), Math.Ceiling(expected * (1 + Tolerance)));
}

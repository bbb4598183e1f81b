using System.Buffers;
using System.IO.Pipelines;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Llm.Forwarding;
using LlmAspire.Usage;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace LlmAspire.Api.Tests.Llm;

/// <summary>How a call ends.</summary>
public enum Ending
{
    Completed,
    Stopped,
    ClientGone,
    GatewayReset,
}

/// <summary>How a call reaches the handler.</summary>
public enum CallPath
{
    ChatClient,

    /// <summary>As <c>/v1</c> does.</summary>
    Forwarder,
}

/// <summary>
/// Every shape in which a gateway answers, every way in which a call ends, over every path into the one handler: the ledger against what the gateway
/// itself says it served.
/// </summary>
public sealed class ComplianceTests(ComplianceFixture stack, ITestOutputHelper output) : IClassFixture<ComplianceFixture>
{
    private const int Length = 300;

    /// <summary>How far an estimate of English prose may be off.</summary>
    private const double Tolerance = 0.03;

    /// <summary>A shape: its faults, the alias that is asked, and what its row says when the whole answer was read.</summary>
    private static readonly Dictionary<string, Shape> Shapes = new()
    {
        ["usual"] = new("", UsageSource.Provider),
        ["usual, Anthropic"] = new("", UsageSource.Provider, "claude-default"),
        ["usual, Gemini"] = new("", UsageSource.Provider, "gemini-default"),
        ["usual, Mistral"] = new("", UsageSource.Provider, "mistral-default"),
        ["thinking"] = new("", UsageSource.Provider, "fast-reasoning"),
        ["late usage"] = new("usage=late for=1", UsageSource.Provider),
        ["usage in the middle"] = new("usage=mid", UsageSource.Provider),
        ["usage twice"] = new("usage=repeated", UsageSource.Provider),
        ["growing usage"] = new("usage=cumulative", UsageSource.Provider),
        ["no usage"] = new("usage=none", UsageSource.Estimated),
        ["zero usage"] = new("usage=zero", UsageSource.Provider) { IsZero = true },
        ["guessed usage"] = new("usage=guess", UsageSource.Estimated) { IsStreamOnly = true },
        ["served by fallback"] = new("fallback", UsageSource.Provider),
        ["fallback in the middle"] = new("fallback-mid=50", UsageSource.Partial) { IsSplit = true },
    };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, Ending, CallPath, bool, OnStop> Cases()
    {
        var cases = new TheoryData<string, Ending, CallPath, bool, OnStop>();
        foreach (var shape in Shapes.Keys)
        {
            foreach (var path in Enum.GetValues<CallPath>())
            {
                foreach (var streamed in (bool[])(Shapes[shape].IsStreamOnly ? [true] : [true, false]))
                {
                    cases.Add(shape, Ending.Completed, path, streamed, OnStop.Cancel);
                    cases.Add(shape, Ending.GatewayReset, path, streamed, OnStop.Cancel);
                    foreach (var onStop in Enum.GetValues<OnStop>())
                    {
                        cases.Add(shape, Ending.Stopped, path, streamed, onStop);
                        cases.Add(shape, Ending.ClientGone, path, streamed, onStop);
                    }
                }
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task the_ledger_says_what_was_served_or_says_that_it_is_an_estimate(string name, Ending ending, CallPath path, bool streamed, OnStop onStop)
    {
        var shape = Shapes[name];
        // The same case is cut at the same token in every run, and every case at another.
        var cut = new Random(Array.IndexOf([.. Shapes.Keys], name) + 100 * ((int)ending + 10 * ((int)path + 10 * ((int)onStop + (streamed ? 10 : 0))))).Next(60, Length - 20);
        using var call = new Call(stack, shape, ending, path, streamed, onStop, cut);

        await call.RunAsync(Token);

        var settled = Assert.Single(await call.Context.WhenSettledAsync());
        var row = Assert.Single(await stack.RowsAsync(call.Context));
        var served = await stack.ServedAsync(row.Id);
        stack.Report(new Finding(name, ending, onStop, row.Source, served.Tokens.Total, row.PromptTokens + row.CompletionTokens), output);

        Assert.Equal(settled.Usage.Id, row.Id);
        Assert.Equal(ending switch
        {
            Ending.Completed => UsageOutcome.Completed,
            Ending.Stopped => UsageOutcome.Stopped,
            Ending.ClientGone => UsageOutcome.Disconnected,
            _ => UsageOutcome.Failed,
        }, row.Outcome);
        Assert.Equal(shape.IsSplit && (streamed || !call.WasCut) ? 2 : 1, served.Calls);
        // Who serves is said with the answer: before it nobody knows.
        Assert.Equal(streamed || !call.WasCut, row is { Provider: not null, ServedModel: not null });

        if (!call.WasCut)
        {
            // Of a plain answer the one before the fallback is lost, to us as to everybody: LiteLLM tells that there was one, and what the last used.
            AssertWhole(shape, row, streamed ? served : served with { Tokens = served.Last }, streamed);
            Assert.Equal(shape.IsSplit && !streamed ? 1 : row.Fallbacks, row.Fallbacks);
        }
        else
        {
            AssertCut(row, served, streamed ? call.TokensReceived : 0);
        }
    }

    [Theory]
    [InlineData("status=429", "model_busy")]
    [InlineData("status=500", "provider_failed")]
    [InlineData("status=401", "gateway_credentials_refused")]
    [InlineData("status=400", "provider_refused")]
    [InlineData("status=408", "model_timeout")]
    [InlineData("status=context", "context_too_long")]
    public async Task a_call_that_the_gateway_refuses_is_a_failed_row_without_tokens(string fault, string code)
    {
        foreach (var path in Enum.GetValues<CallPath>())
        {
            foreach (var streamed in (bool[])[true, false])
            {
                using var call = new Call(stack, new Shape(fault, UsageSource.None), Ending.Completed, path, streamed, OnStop.Cancel, 0);

                await call.RunAsync(Token);

                Assert.Equal(code, Assert.Single(await call.Context.WhenSettledAsync()).Failure?.Code);
                var row = Assert.Single(await stack.RowsAsync(call.Context));
                Assert.Equal((UsageOutcome.Failed, UsageSource.None, 0L, 0L), (row.Outcome, row.Source, row.PromptTokens, row.CompletionTokens));
                Assert.Equal(0, (await stack.ServedAsync(row.Id)).Calls);
            }
        }
    }

    [Theory]
    [InlineData("error=70")]
    [InlineData("eof=70")]
    [InlineData("stall=70 for=1")]
    [InlineData("upstream-reset=70")]
    public async Task a_stream_that_breaks_behind_the_gateway_is_an_estimate_of_what_came(string fault)
    {
        foreach (var path in Enum.GetValues<CallPath>())
        {
            using var call = new Call(stack, new Shape(fault, UsageSource.Estimated), Ending.Completed, path, streamed: true, OnStop.Cancel, 0);

            await call.RunAsync(Token);

            // What LiteLLM ends like any other stream nobody can tell from a short answer; that its usage is a guess can be told.
            var isHidden = fault.StartsWith("upstream-reset", StringComparison.Ordinal);
            var row = Assert.Single(await stack.RowsAsync(call.Context));
            Assert.Equal(isHidden ? UsageOutcome.Completed : UsageOutcome.Failed, row.Outcome);
            Assert.Equal(UsageSource.Estimated, row.Source);
            AssertWithin(70, row.CompletionTokens);
            AssertWithin((await stack.ServedAsync(row.Id)).Tokens.Prompt, row.PromptTokens);
        }
    }

    /// <summary>The whole answer was read: to the token, unless nobody told.</summary>
    private static void AssertWhole(Shape shape, UsageRow row, Served served, bool streamed)
    {
        // A plain answer cannot be continued by another provider: it is the other's alone.
        var source = !streamed && shape.Source == UsageSource.Partial ? UsageSource.Provider : shape.Source;
        Assert.Equal(source, row.Source);
        if (shape.IsZero)
        {
            Assert.Equal((0L, 0L), (row.PromptTokens, row.CompletionTokens));
        }
        else if (source == UsageSource.Provider)
        {
            // Else the classes of the prompt would be compared to nothing. Mistral's usage has none.
            Assert.Equal(shape.Alias != "mistral-default", served.Tokens.Cached + served.Tokens.CacheWrite > 0);
            Assert.Equal(
                served.Tokens,
                new ServedTokens(row.PromptTokens, row.CompletionTokens, row.CachedPromptTokens ?? 0, row.CacheWriteTokens ?? 0, row.ReasoningTokens ?? 0));
        }
        else if (source == UsageSource.Estimated)
        {
            AssertWithin(served.Tokens.Prompt, row.PromptTokens);
            AssertWithin(served.Tokens.Completion, row.CompletionTokens);
        }
        else
        {
            Assert.Equal(2, row.RawUsage!.Value.GetProperty("chunk_ids").GetArrayLength());
            Assert.True(row.Fallbacks >= 1);
        }
    }

    /// <summary>The answer was cut: never called exact, and close to what had reached us.</summary>
    private static void AssertCut(UsageRow row, Served served, long received)
    {
        Assert.Contains(row.Source, (UsageSource[])[UsageSource.Estimated, UsageSource.Partial]);
        if (row.Source == UsageSource.Estimated)
        {
            AssertWithin(received, row.CompletionTokens);
            // A fallback in the middle has a prompt of its own, which nobody sees.
            AssertWithin(served.Calls == 1 ? served.Tokens.Prompt : row.PromptTokens, row.PromptTokens);
            Assert.True(row.CompletionTokens <= Math.Ceiling(served.Tokens.Completion * (1 + Tolerance)));
        }
    }

    private static void AssertWithin(long expected, long actual) =>
        Assert.InRange(actual, Math.Floor(expected * (1 - Tolerance)), Math.Ceiling(expected * (1 + Tolerance)));

    private sealed record Shape(string Faults, UsageSource Source, string Alias = "chat-default")
    {
        /// <summary>The provider says that nothing was used.</summary>
        public bool IsZero { get; init; }

        /// <summary>LiteLLM does it to streams alone.</summary>
        public bool IsStreamOnly { get; init; }

        /// <summary>Two providers answer, when it is a stream.</summary>
        public bool IsSplit { get; init; }
    }

    /// <summary>One call, over one of the paths.</summary>
    private sealed class Call(ComplianceFixture stack, Shape shape, Ending ending, CallPath path, bool streamed, OnStop onStop, int cut) : IDisposable
    {
        /// <summary>Long enough that providers have some of it in their caches.</summary>
        private const string EarlierAnswer =
            "In winter the harbour is quiet, and the ferries come only twice a week. The fishermen mend their nets in the long shed behind the church, where a "
            + "stove is kept burning from the first frost until the ice on the river breaks. Shops open late and close early, and nobody seems to mind. On Sundays "
            + "people walk out along the sea wall, wrapped in wool and talking of the weather, as if it were a relative who had behaved badly at a wedding. When a "
            + "storm comes in from the west the windows are shuttered, the boats are hauled up on the shingle, and the whole town listens to the wind until morning.";

        private readonly string _hold = $"hold-{Guid.NewGuid():N}";
        private readonly CancellationTokenSource _caller = new();
        private Task _released = Task.CompletedTask;

        public CallContext Context { get; } = new()
        {
            UserId = Guid.NewGuid(),
            OrgId = Guid.NewGuid(),
            RequestId = Guid.CreateVersion7(),
            Operation = UsageOperation.Chat,
            ModelAlias = shape.Alias,
        };

        /// <summary>Pieces of the answer that came, each of them a token.</summary>
        public int TokensReceived { get; private set; }

        /// <summary>Whether the answer was not read to its end by anybody.</summary>
        public bool WasCut => ending == Ending.GatewayReset || ending != Ending.Completed && onStop == OnStop.Cancel;

        private bool IsLeft => ending is Ending.Stopped or Ending.ClientGone;

        private string Question
        {
            get
            {
                var how = ending switch
                {
                    // A reset takes along what nobody has read yet: held until all before the last is.
                    Ending.GatewayReset => streamed ? $"reset={cut} hold={_hold}@{cut - 1}" : "reset=0",
                    Ending.Stopped or Ending.ClientGone => $"hold={_hold}@{(streamed ? cut : 0)}",
                    _ => "",
                };
                // What is refused has no length.
                var length = shape.Source == UsageSource.None ? "" : $"length={Length}";
                return $"Tell me something <<demo {length} {shape.Faults} {how}>>";
            }
        }

        private ChatMessage[] Conversation =>
        [
            new(ChatRole.System, "You answer in plain prose."),
            new(ChatRole.User, "What is the town like in winter?"),
            new(ChatRole.Assistant, EarlierAnswer),
            new(ChatRole.User, Question),
        ];

        public void Dispose() => _caller.Dispose();

        public async Task RunAsync(CancellationToken cancellationToken)
        {
            using var patience = cancellationToken.Register(_caller.Cancel);
            using var scope = Context.Enter();
            try
            {
                await (path == CallPath.ChatClient ? AskChatClientAsync() : AskForwarderAsync());
            }
            catch (Exception exception) when (exception is OperationCanceledException or HttpRequestException or IOException)
            {
                // Left, or broken off: that is what this case is about.
                cancellationToken.ThrowIfCancellationRequested();
            }

            await _released;
            if (IsLeft && onStop == OnStop.Drain)
            {
                await stack.ReleaseAsync(_hold);
            }
        }

        private async Task AskChatClientAsync()
        {
            var client = stack.Api(onStop).GetRequiredService<IChatClient>();
            var options = new ChatOptions { ModelId = shape.Alias };
            if (!streamed)
            {
                await LeaveWhenHeldAsync(client.GetResponseAsync(Conversation, options, _caller.Token));
                return;
            }

            await foreach (var update in client.GetStreamingResponseAsync(Conversation, options, _caller.Token))
            {
                Take(update.Text.Length > 0 ? 1 : 0);
            }
        }

        private async Task AskForwarderAsync()
        {
            var forwarder = stack.Api(onStop).GetRequiredService<CompletionForwarder>();
            var request = JsonSerializer.SerializeToUtf8Bytes(new
            {
                model = shape.Alias,
                stream = streamed,
                messages = Conversation.Select(message => new { role = message.Role.Value, content = message.Text }),
            });
            if (!streamed)
            {
                await LeaveWhenHeldAsync(forwarder.CompleteAsync(request, Context, _caller.Token));
                return;
            }

            var pipe = new Pipe();
            var forwarding = ForwardAsync();
            using var reader = new StreamReader(pipe.Reader.AsStream(), Encoding.UTF8);
            // Who leaves just stops reading.
            while (!_caller.IsCancellationRequested && await reader.ReadLineAsync(_caller.Token) is { } line)
            {
                Take(HasContent(line) ? 1 : 0);
            }

            await forwarding;

            async Task ForwardAsync()
            {
                try
                {
                    await forwarder.StreamAsync(request, Context, tellUsage: false, new PipeSink(pipe.Writer), TimeSpan.FromMinutes(1), _caller.Token);
                }
                finally
                {
                    await pipe.Writer.CompleteAsync();
                }
            }
        }

        private static bool HasContent(string line)
        {
            if (!line.StartsWith("data: {", StringComparison.Ordinal))
            {
                return false;
            }

            using var chunk = JsonDocument.Parse(line["data: ".Length..]);
            return chunk.RootElement.TryGetProperty("choices", out var choices)
                && choices.EnumerateArray().Any(choice => choice.GetProperty("delta").TryGetProperty("content", out _));
        }

        private void Take(int tokens)
        {
            TokensReceived += tokens;
            if (ending == Ending.GatewayReset && tokens > 0 && TokensReceived == cut - 1)
            {
                _released = stack.ReleaseAsync(_hold);
            }

            if (IsLeft && TokensReceived == cut)
            {
                Leave();
            }
        }

        private async Task LeaveWhenHeldAsync(Task answer)
        {
            if (IsLeft)
            {
                // The gateway has it, and says nothing before it is released.
                await WhenAcceptedAsync();
                Leave();
            }

            await answer;
        }

        private async Task WhenAcceptedAsync()
        {
            while (stack.Gateway is { } gateway)
            {
                var held = await gateway.GetFromJsonAsync<JsonElement>("/_demo/served", TestContext.Current.CancellationToken);
                if (held.GetProperty("data").EnumerateArray().Any(call => !call.GetProperty("finished").GetBoolean()))
                {
                    return;
                }

                await Task.Delay(5, TestContext.Current.CancellationToken);
            }
        }

        private void Leave()
        {
            // A client that goes says nothing; over the chat client its run says it for it.
            if (ending == Ending.Stopped || path == CallPath.ChatClient)
            {
                Context.MarkCancelled(ending == Ending.Stopped ? UsageOutcome.Stopped : UsageOutcome.Disconnected);
            }

            _caller.Cancel();
        }
    }

    private sealed class PipeSink(PipeWriter writer) : ICompletionSink
    {
        public PipeWriter Begin() => writer;

        public void WriteFailure(GatewayFailure failure, IBufferWriter<byte> output) => output.Write(Encoding.UTF8.GetBytes($$"""{"error":"{{failure.Code}}"}"""));
    }
}

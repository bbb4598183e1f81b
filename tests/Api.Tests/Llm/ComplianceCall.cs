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

/// <summary>One call, over one of the paths.</summary>
internal sealed class ComplianceCall(ComplianceFixture stack, Shape shape, string alias, Ending ending, CallPath path, bool streamed, OnStop onStop, int cut) : IDisposable
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
        ModelAlias = alias,
    };

    /// <summary>Pieces of the answer that came, each of them a token.</summary>
    public int TokensReceived { get; private set; }

    /// <summary>Whether the answer was not read to its end by anybody. A plain one always is: who serves it does not stop when its client leaves.</summary>
    public bool WasCut => ending == Ending.GatewayReset || IsLeft && onStop == OnStop.Cancel && streamed;

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
            var length = shape.IsRefused ? "" : $"length={Shape.Length}";
            return $"Tell me something <<demo {length} {shape.FaultsOf(alias)} {how}>>";
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
        if (IsLeft && !WasCut)
        {
            await stack.ReleaseAsync(_hold);
        }
    }

    private async Task AskChatClientAsync()
    {
        var client = stack.Api(onStop).GetRequiredService<IChatClient>();
        var options = new ChatOptions { ModelId = alias };
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
            model = alias,
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
            var held = await stack.Gateway.GetFromJsonAsync<JsonElement>("/_demo/served", TestContext.Current.CancellationToken);
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

    private sealed class PipeSink(PipeWriter writer) : ICompletionSink
    {
        public PipeWriter Begin() => writer;

        public void WriteFailure(GatewayFailure failure, IBufferWriter<byte> output) => output.Write(Encoding.UTF8.GetBytes($$"""{"error":"{{failure.Code}}"}"""));
    }
}

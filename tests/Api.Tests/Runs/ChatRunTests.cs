using LlmAspire.Api.Chat;
using LlmAspire.Api.Chat.Runs;
using LlmAspire.Api.Llm;
using LlmAspire.Usage;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmAspire.Api.Tests.Runs;

public class ChatRunTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A process that stores its runs' events just then made a run that nobody knew, and took it for somebody else's.</summary>
    [Fact]
    public async Task events_are_not_stored_before_the_run_is()
    {
        using var journal = new SlowJournal();
        using var run = new ChatRun(Plan(), journal, TimeSpan.FromMinutes(1), TimeProvider.System, NullLogger.Instance);

        var execution = run.ExecuteAsync(new UnreachableModel());
        var storing = run.StoreAsync(Token);
        Assert.IsType<RunStart>(Assert.Single(journal.Records));

        journal.Release();
        await Task.WhenAll(execution, storing);
        Assert.Equal(1, Assert.IsType<RunEnd>(journal.Records[^1]).LastEvents.First);
    }

    private static RunPlan Plan()
    {
        var (run, conversation, question, answer, request) =
            (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        var context = new CallContext { UserId = Guid.NewGuid(), OrgId = Guid.NewGuid(), RequestId = request, Operation = UsageOperation.Chat, ModelAlias = "chat-default" };
        return new RunPlan(
            run, 1, context, conversation, question, answer, "", "", [],
            new RunStart(
                run, Guid.NewGuid(), request, context.OrgId, context.UserId, conversation, "Hi", question, "Hi", null, answer, "chat-default", "", DateTimeOffset.UtcNow),
            null);
    }

    /// <summary>Has a record at once, and says so when it is released.</summary>
    private sealed class SlowJournal : IRunJournal, IDisposable
    {
        private readonly RecordingJournal _inner = new();
        private readonly CancellationTokenSource _released = new();

        public IReadOnlyList<RunRecord> Records => _inner.Records;

        public void Release() => _released.Cancel();

        public async Task WriteAsync(RunRecord record, CancellationToken cancellationToken)
        {
            await _inner.WriteAsync(record, cancellationToken);
            await Task.Delay(Timeout.Infinite, _released.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        public void Dispose() => _released.Dispose();
    }

    private sealed class UnreachableModel : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new CallRefusedException(GatewayFailure.Unreachable);

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new CallRefusedException(GatewayFailure.Unreachable);

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}

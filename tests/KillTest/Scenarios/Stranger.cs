using LlmAspire.KillTest.Load;
using LlmAspire.KillTest.Stack;

namespace LlmAspire.KillTest.Scenarios;

/// <summary>Somebody who never asked before: the Api that nobody kills does not remember them.</summary>
internal sealed class Stranger(KillStack stack, Person person)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Question _question = new(person, "chat-default", "What is rain? <<demo length=5>>");
    private readonly List<SeenAnswer> _answers = [];

    /// <summary>To be read when <see cref="AskAsync"/> has ended.</summary>
    public IReadOnlyList<SeenAnswer> Answers => _answers;

    /// <summary>Asks the Api that nobody kills, until cancelled.</summary>
    public async Task AskAsync(CancellationToken cancellationToken)
    {
        using var client = new ChatClient(ChatLoad.Patience);
        while (!cancellationToken.IsCancellationRequested)
        {
            // Not cancelled: what it was told counts.
            _answers.Add(await client.AskAsync((stack.Apis[1].Name, stack.Apis[1].Url), _question, CancellationToken.None));
            await Task.Delay(Pause, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}

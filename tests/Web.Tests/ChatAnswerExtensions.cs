using LlmAspire.Web.Chat;

namespace LlmAspire.Web.Tests;

internal static class ChatAnswerExtensions
{
    /// <summary>Completes when the condition holds; it is checked at each change.</summary>
    public static async Task UntilAsync(this ChatAnswer answer, Func<ChatAnswer, bool> condition)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        answer.Changed += Check;
        Check();
        await reached.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        answer.Changed -= Check;

        void Check()
        {
            if (condition(answer))
            {
                reached.TrySetResult();
            }
        }
    }
}

using System.Globalization;
using System.Text;
using LlmAspire.Api.Conversations.Data;

namespace LlmAspire.Api.Conversations;

/// <summary>A conversation as a document: the branch that is shown.</summary>
internal static class ConversationExport
{
    public static string ToMarkdown(ConversationResponse conversation)
    {
        var text = new StringBuilder().Append("# ").Append(OneLine(conversation.Title)).Append("\n\n")
            .Append(CultureInfo.InvariantCulture, $"{conversation.CreatedAt.UtcDateTime:yyyy-MM-dd HH:mm} UTC\n");
        if (conversation.Prompt is { } prompt)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## System prompt\n\n*{OneLine(prompt.Name)}, version {prompt.Version}*\n\n")
                .Append(prompt.Text.ReplaceLineEndings("\n").TrimEnd()).Append('\n');
        }

        foreach (var message in Branch(conversation))
        {
            text.Append("\n## ").Append(message.Role == MessageRole.User ? "You" : OneLine(message.Model ?? "Assistant")).Append('\n');
            Append(text, message);
            if (message.Status != MessageStatus.Complete)
            {
                text.Append(CultureInfo.InvariantCulture, $"\n*({message.Status.ToString().ToLowerInvariant()})*\n");
            }
        }

        return text.ToString();
    }

    /// <summary>What was said, with the calls of tools where they were made.</summary>
    private static void Append(StringBuilder text, MessageResponse message)
    {
        var said = 0;
        foreach (var call in message.Tools)
        {
            var at = Math.Clamp(call.At, said, message.Content.Length);
            Append(text, message.Content[said..at]);
            said = at;
            text.Append(CultureInfo.InvariantCulture, $"\n*Tool {OneLine(call.Name)} ({call.State.ToString().ToLowerInvariant()})*\n");
            AppendCode(text, call.Arguments);
            AppendCode(text, call.Result);
        }

        Append(text, message.Content[said..]);
    }

    private static void Append(StringBuilder text, string said)
    {
        if (!string.IsNullOrWhiteSpace(said))
        {
            text.Append('\n').Append(said.ReplaceLineEndings("\n").Trim()).Append('\n');
        }
    }

    private static void AppendCode(StringBuilder text, string? code)
    {
        if (code is not null)
        {
            // Longer than any in it.
            var fence = new string('`', Math.Max(3, LongestFence(code) + 1));
            text.Append('\n').Append(fence).Append('\n').Append(code.ReplaceLineEndings("\n")).Append('\n').Append(fence).Append('\n');
        }
    }

    private static int LongestFence(string code)
    {
        var (longest, length) = (0, 0);
        foreach (var one in code)
        {
            length = one == '`' ? length + 1 : 0;
            longest = Math.Max(longest, length);
        }

        return longest;
    }

    private static List<MessageResponse> Branch(ConversationResponse conversation)
    {
        var byId = conversation.Messages.ToDictionary(message => message.Id);
        List<MessageResponse> branch = [];
        for (var id = conversation.CurrentMessageId; id is { } one && byId.TryGetValue(one, out var message); id = message.ParentId)
        {
            branch.Add(message);
        }

        branch.Reverse();
        return branch;
    }

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");
}

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
        foreach (var message in Branch(conversation))
        {
            text.Append("\n## ").Append(message.Role == MessageRole.User ? "You" : OneLine(message.Model ?? "Assistant")).Append("\n\n")
                .Append(message.Content.ReplaceLineEndings("\n").TrimEnd()).Append('\n');
            if (message.Status != MessageStatus.Complete)
            {
                text.Append(CultureInfo.InvariantCulture, $"\n*({message.Status.ToString().ToLowerInvariant()})*\n");
            }
        }

        return text.ToString();
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

using LlmAspire.Api.Conversations.Data;
using LlmAspire.Api.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Chat;

/// <summary>What was said in a conversation up to a message. A long conversation loses its beginning, never fails.</summary>
internal sealed class ConversationPath(TenantContext tenants, IOptions<ChatSettings> settings)
{
    /// <summary>The messages from the beginning to <paramref name="lastId"/>; null when the conversation has no such message.</summary>
    public async Task<IReadOnlyList<Message>?> ReadAsync(Guid conversationId, Guid? lastId, CancellationToken cancellationToken)
    {
        if (lastId is null)
        {
            return [];
        }

        var parents = await tenants.Messages.Where(row => row.ConversationId == conversationId)
            .Select(row => new { row.Id, row.ParentId }).ToDictionaryAsync(row => row.Id, row => row.ParentId, cancellationToken);
        if (!parents.ContainsKey(lastId.Value))
        {
            return null;
        }

        List<Guid> path = [];
        for (var id = lastId; id is { } one && path.Count <= settings.Value.MaxHistoryMessages && parents.TryGetValue(one, out var parent); id = parent)
        {
            path.Add(one);
        }

        var messages = await tenants.Messages.AsNoTracking().Where(row => path.Contains(row.Id)).ToDictionaryAsync(row => row.Id, cancellationToken);
        return [.. Enumerable.Reverse(path).Select(id => messages[id])];
    }

    /// <summary>As a model reads it. What nobody said, or is too old, is left out; the last message never is.</summary>
    /// <param name="prompt">What it is told first; it does not count as a message.</param>
    /// <param name="withTools">Whether the model understands calls of tools.</param>
    public List<ChatMessage> ToChat(IReadOnlyList<Message> path, PromptCopy? prompt, bool withTools)
    {
        var (messages, characters) = (settings.Value.MaxHistoryMessages, settings.Value.MaxHistoryCharacters);
        List<IReadOnlyList<ChatMessage>> chat = [];
        foreach (var message in path.Reverse().Where(message => message.Content.Length > 0 || (withTools && message.Tools is not null)))
        {
            characters -= message.Content.Length + (withTools ? message.Tools?.Length ?? 0 : 0);
            if (chat.Count > 0 && (chat.Count >= messages || characters < 0))
            {
                break;
            }

            chat.Add(ToChat(message, withTools));
        }

        if (prompt is not null)
        {
            chat.Add([new ChatMessage(ChatRole.System, prompt.Text)]);
        }

        chat.Reverse();
        return [.. chat.SelectMany(message => message)];
    }

    private static IReadOnlyList<ChatMessage> ToChat(Message message, bool withTools) => message switch
    {
        { Role: MessageRole.User } => [new ChatMessage(ChatRole.User, message.Content)],
        { Tools: { } tools } when withTools => [.. ToolCalls.ToMessages(message.Content, ToolCalls.Read(tools, isOver: true))],
        _ => [new ChatMessage(ChatRole.Assistant, message.Content)],
    };
}

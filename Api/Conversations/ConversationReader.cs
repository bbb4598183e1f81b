using System.Text.Json;
using LlmAspire.Api.Chat;
using LlmAspire.Api.Chat.Runs;
using LlmAspire.Api.Conversations.Data;
using LlmAspire.Api.Data;
using Microsoft.EntityFrameworkCore;

namespace LlmAspire.Api.Conversations;

/// <summary>Reads a conversation with all its messages.</summary>
internal sealed class ConversationReader(TenantContext tenants)
{
    /// <summary>Null when the tenant has no such conversation.</summary>
    public async Task<ConversationResponse?> ReadAsync(Guid id, CancellationToken cancellationToken)
    {
        if (await tenants.Conversations.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } conversation)
        {
            return null;
        }

        // A run that ends between the two queries: its message is read after it.
        var runs = await tenants.Runs.AsNoTracking().Where(row => row.ConversationId == id).ToDictionaryAsync(row => row.MessageId, cancellationToken);
        var messages = await tenants.Messages.AsNoTracking().Where(row => row.ConversationId == id).OrderBy(row => row.Id)
            .Select(row => new
            {
                row.Id,
                row.ParentId,
                row.Role,
                row.Content,
                row.Model,
                row.Status,
                row.FinishReason,
                row.TraceId,
                row.CreatedAt,
                row.Error,
                row.Usage,
                row.Tools,
            })
            .ToListAsync(cancellationToken);
        Guid[] running = [.. messages.Where(row => row.Status == MessageStatus.Running && runs.ContainsKey(row.Id)).Select(row => runs[row.Id].Id)];
        var soFar = running.Length == 0 ? [] : (await tenants.RunBatches.AsNoTracking().Where(row => running.Contains(row.RunId))
            .OrderBy(row => row.Attempt).ThenBy(row => row.FirstSequence).Select(row => new { row.RunId, row.Text, row.Events }).ToListAsync(cancellationToken))
            .GroupBy(row => row.RunId).ToDictionary(group => group.Key, group => (
                Text: string.Concat(group.Select(row => row.Text)),
                Tools: ToolCalls.Fold(group.SelectMany(row => StoredEvent.Deserialize(row.Events)).OfType<ToolCall>(), isOver: false)));

        return new ConversationResponse(
            conversation.Id, conversation.Title, conversation.Pinned, conversation.Archived, conversation.CreatedAt, conversation.UpdatedAt,
            conversation.CurrentMessageId,
            [.. messages.Select(row =>
            {
                var run = runs.GetValueOrDefault(row.Id);
                var (text, tools) = run is not null && soFar.TryGetValue(run.Id, out var stored)
                    ? stored
                    : (row.Content, ToolCalls.Read(row.Tools, isOver: row.Status != MessageStatus.Running));
                return new MessageResponse(
                    row.Id, row.ParentId, row.Role, text, row.Model, row.Status,
                    row.FinishReason, run?.Id, run?.Attempt, row.TraceId, row.CreatedAt,
                    row.Error is null ? null : JsonSerializer.Deserialize<MessageError>(row.Error, JsonSerializerOptions.Web),
                    row.Usage is null ? [] : JsonSerializer.Deserialize<List<CallUsage>>(row.Usage, JsonSerializerOptions.Web)!,
                    tools);
            })],
            conversation.Prompt);
    }
}

using System.Text;
using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.Benchmarks;

/// <summary>Puts conversations into the database, as chatting would: questions of 30 words, answers of 150, some words in most of them and most words in few.</summary>
internal sealed class SampleConversations(NpgsqlDataSource source, Random random)
{
    public const int MessagesEach = 100;

    private const int Vocabulary = 20_000;

    private const string Usage = """
        [{"callId":"0195f000-0000-7000-8000-000000000001","model":"chat-default","provider":"openai","servedModel":"gpt-6-luna","promptTokens":1200,"completionTokens":200,
        "cachedPromptTokens":0,"reasoningTokens":0,"source":"provider","outcome":"completed","ttftMs":300,"durationMs":4000,"traceId":"0af7651916cd43dd8448eb211c80319c"}]
        """;

    private static readonly string[] Words = [.. Enumerable.Range(0, Vocabulary).Select(Word)];

    /// <param name="rank">0 is in nearly every message.</param>
    public static string WordOf(int rank) => Words[rank];

    /// <summary>Makes conversations of one person.</summary>
    /// <returns>Their ids.</returns>
    public async Task<Guid[]> CopyAsync(Guid organisation, Guid user, int count)
    {
        Guid[] conversations = [.. Enumerable.Range(0, count).Select(_ => Guid.CreateVersion7())];
        var now = DateTimeOffset.UtcNow;
        await using var connection = await source.OpenConnectionAsync();
        await using (var copy = await connection.BeginBinaryImportAsync(
            "COPY tenant.conversation (id, org_id, user_id, title, title_source, pinned, archived, created_at, updated_at) FROM STDIN (FORMAT binary)"))
        {
            foreach (var (index, id) in conversations.Index())
            {
                await copy.WriteRowAsync(CancellationToken.None, id, organisation, user, Text(6), "model", index % 50 == 0, index % 20 == 0, now, now.AddMinutes(-index));
            }

            await copy.CompleteAsync();
        }

        var answers = await CopyMessagesAsync(connection, organisation, user, conversations, now);
        await CopyRunsAsync(connection, organisation, user, answers, now);
        return conversations;
    }

    private static string Word(int rank)
    {
        var word = new StringBuilder();
        for (var rest = rank + 100; rest > 0; rest /= 100)
        {
            word.Append("bdfgklmnprstvzhjcwqx"[rest % 20]).Append("aeiou"[rest / 20 % 5]);
        }

        return word.ToString();
    }

    private string Text(int words) => string.Join(' ', Enumerable.Range(0, words).Select(_ => Words[(int)(Vocabulary * Math.Pow(random.NextDouble(), 4))]));

    private async Task<List<(Guid Conversation, Guid Message)>> CopyMessagesAsync(
        NpgsqlConnection connection, Guid organisation, Guid user, Guid[] conversations, DateTimeOffset now)
    {
        List<(Guid, Guid)> answers = [];
        await using var copy = await connection.BeginBinaryImportAsync("""
            COPY tenant.message (id, conversation_id, org_id, user_id, parent_id, role, content, model, status, finish_reason, usage, trace_id, created_at)
            FROM STDIN (FORMAT binary)
            """);
        foreach (var conversation in conversations)
        {
            Guid? parent = null;
            for (var number = 0; number < MessagesEach; number++)
            {
                var (id, answering) = (Guid.CreateVersion7(now.AddMilliseconds(number)), number % 2 == 1);
                if (answering)
                {
                    answers.Add((conversation, id));
                }

                await copy.StartRowAsync();
                await copy.WriteAsync(id);
                await copy.WriteAsync(conversation);
                await copy.WriteAsync(organisation);
                await copy.WriteAsync(user);
                await WriteAsync(copy, parent, NpgsqlDbType.Uuid);
                await copy.WriteAsync(answering ? "assistant" : "user");
                await copy.WriteAsync(Text(answering ? 150 : 30));
                await WriteAsync(copy, answering ? "chat-default" : null, NpgsqlDbType.Text);
                await copy.WriteAsync("complete");
                await WriteAsync(copy, answering ? "stop" : null, NpgsqlDbType.Text);
                await WriteAsync(copy, answering ? Usage : null, NpgsqlDbType.Jsonb);
                await copy.WriteAsync("0af7651916cd43dd8448eb211c80319c");
                await copy.WriteAsync(now);
                parent = id;
            }
        }

        await copy.CompleteAsync();
        return answers;
    }

    private static async Task CopyRunsAsync(
        NpgsqlConnection connection, Guid organisation, Guid user, List<(Guid Conversation, Guid Message)> answers, DateTimeOffset now)
    {
        await using var copy = await connection.BeginBinaryImportAsync("""
            COPY tenant.run (id, org_id, user_id, conversation_id, message_id, attempt, state, instance_id, stop_requested, started_at, request_id)
            FROM STDIN (FORMAT binary)
            """);
        foreach (var (conversation, message) in answers)
        {
            await copy.WriteRowAsync(
                CancellationToken.None, Guid.CreateVersion7(), organisation, user, conversation, message, 1, "complete", Guid.Empty, false, now, Guid.CreateVersion7());
        }

        await copy.CompleteAsync();
    }

    private static Task WriteAsync<T>(NpgsqlBinaryImporter copy, T? value, NpgsqlDbType type) =>
        value is null ? copy.WriteNullAsync() : copy.WriteAsync(value, type);
}

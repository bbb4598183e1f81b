using Npgsql;

namespace LlmAspire.Usage;

/// <summary>Tokens by class: prompt and completion are wholes, the others parts of them that do not overlap.</summary>
internal readonly record struct ClassTokens(long Prompt, long Completion, long CachedPrompt, long CacheWrite, long Reasoning, long AudioPrompt, long AudioCompletion)
{
    public long Total => Prompt + Completion;

    /// <summary>From columns in the order of <see cref="RollupSql.TokenColumns"/>.</summary>
    public static ClassTokens Read(NpgsqlDataReader reader, ref int column) => new(
        reader.GetInt64(column++), reader.GetInt64(column++), reader.GetInt64(column++), reader.GetInt64(column++), reader.GetInt64(column++),
        reader.GetInt64(column++), reader.GetInt64(column++));

    public static ClassTokens operator +(ClassTokens left, ClassTokens right) => new(
        left.Prompt + right.Prompt, left.Completion + right.Completion, left.CachedPrompt + right.CachedPrompt, left.CacheWrite + right.CacheWrite,
        left.Reasoning + right.Reasoning, left.AudioPrompt + right.AudioPrompt, left.AudioCompletion + right.AudioCompletion);
}

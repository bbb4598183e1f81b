using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.Usage.Tests.Prices;

/// <summary>An entry as the database has it. Price in USD per million tokens; null ends what its layer said before.</summary>
internal sealed record BookEntry(string Provider, string Model, string TokenClass, DateTimeOffset From, decimal? Price);

internal sealed record BookRevision(long Id, bool IsGateway, IReadOnlyList<BookEntry> Entries);

/// <summary>
/// Prices as the tests understand them: what <c>price_periods</c> and <c>token_cost</c> say in SQL, said again without looking there, in whole
/// units of 10⁻¹⁸ USD.
/// </summary>
internal sealed class PriceBook
{
    private readonly List<BookRevision> _revisions = [];

    public long Newest => _revisions.Count == 0 ? 0 : _revisions[^1].Id;

    public IReadOnlyList<BookRevision> Revisions => _revisions;

    /// <summary>Saves a revision in the database and here.</summary>
    public async Task<long> SaveAsync(NpgsqlDataSource source, string kind, params BookEntry[] entries)
    {
        await using var command = source.CreateCommand("""
            WITH revision AS (
                INSERT INTO ledger.price_revision (author, reason, source) VALUES ('test', 'because', $1) RETURNING id
            ), priced AS (
                INSERT INTO ledger.llm_price (revision_id, provider, model, token_class, effective_from, usd_per_million)
                SELECT revision.id, entry.* FROM revision, unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::numeric[]) AS entry
            )
            SELECT id FROM revision
            """);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = kind });
        Add(entry => entry.Provider, NpgsqlDbType.Text);
        Add(entry => entry.Model, NpgsqlDbType.Text);
        Add(entry => entry.TokenClass, NpgsqlDbType.Text);
        Add(entry => entry.From, NpgsqlDbType.TimestampTz);
        Add(entry => entry.Price, NpgsqlDbType.Numeric);
        var id = (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        _revisions.Add(new BookRevision(id, kind == "gateway", entries));
        return id;

        void Add<T>(Func<BookEntry, T> value, NpgsqlDbType type) => command.Parameters.Add(
            new NpgsqlParameter<T[]> { TypedValue = [.. entries.Select(value)], NpgsqlDbType = NpgsqlDbType.Array | type });
    }

    /// <summary>As the parameter <c>draft</c> of <c>price_periods</c>.</summary>
    public static string Draft(params BookEntry[] entries) => JsonSerializer.Serialize(entries.Select(entry => new
    {
        provider = entry.Provider,
        model = entry.Model,
        token_class = entry.TokenClass,
        effective_from = entry.From,
        usd_per_million = entry.Price,
    }));

    /// <returns>Units of 10⁻¹⁸ USD; null when the call is unpriced.</returns>
    public BigInteger? Cost(UsageEvent call, long revision)
    {
        if (call.PromptTokens + call.CompletionTokens == 0)
        {
            return 0;
        }

        if (Price(call, "input", revision) is not { } input || Price(call, "output", revision) is not { } output)
        {
            return null;
        }

        BigInteger cost = 0;
        var left = call.PromptTokens;
        Take("cached_input", call.CachedPromptTokens, input);
        Take("cache_write", call.CacheWriteTokens, input);
        Take("audio_input", call.AudioPromptTokens, input);
        cost += left * input;
        left = call.CompletionTokens;
        Take("reasoning", call.ReasoningTokens, output);
        Take("audio_output", call.AudioCompletionTokens, output);
        return cost + left * output;

        void Take(string tokenClass, long? tokens, BigInteger otherwise)
        {
            var taken = Math.Min(tokens ?? 0, left);
            left -= taken;
            cost += taken * (Price(call, tokenClass, revision) ?? otherwise);
        }
    }

    /// <summary>10⁻¹⁸ USD a token: the price has twelve decimals, and a million tokens.</summary>
    private BigInteger? Price(UsageEvent call, string tokenClass, long revision) =>
        InForce(call, tokenClass, revision, isGateway: false) ?? InForce(call, tokenClass, revision, isGateway: true);

    private BigInteger? InForce(UsageEvent call, string tokenClass, long revision, bool isGateway)
    {
        BookEntry? latest = null;
        var names = (call.Provider ?? "unknown", call.ServedModel ?? call.ModelAlias, tokenClass);
        foreach (var entry in _revisions.Where(one => one.IsGateway == isGateway && one.Id <= revision).OrderBy(one => one.Id).SelectMany(one => one.Entries))
        {
            if ((entry.Provider, entry.Model, entry.TokenClass) == names
                && entry.From <= call.CreatedAt && (latest is null || entry.From >= latest.From))
            {
                latest = entry;
            }
        }

        return latest?.Price is { } price ? BigInteger.Parse((price * 1_000_000_000_000m).ToString("0", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture) : null;
    }
}

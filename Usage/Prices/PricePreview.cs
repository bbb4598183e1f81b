using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>Says what a change of prices would do to what was used already. Saves nothing. Safe to call concurrently.</summary>
public sealed class PricePreview([FromKeyedServices(ConnectionPool.Reading)] NpgsqlDataSource source)
{
    // All roll-ups of some months are added up: in memory, and for once. Compiling the statement takes longer than it saves.
    private const string Planning = "SET LOCAL work_mem = '64MB'; SET LOCAL jit = off";

    /// <summary>
    /// The tokens of an hour are added up before they meet prices: the cost is linear in them, an hour has one price, and hours are far fewer than
    /// roll-ups. Only the models of the change, from its first hour on.
    /// </summary>
    private const string Compare = """
        WITH draft AS NOT MATERIALIZED (
            SELECT provider, model, min(effective_from) AS since
            FROM jsonb_to_recordset($2) AS entry (provider text, model text, effective_from timestamptz) GROUP BY provider, model
        ), used AS MATERIALIZED (
            SELECT
                rollup.hour, draft.provider, draft.model AS served_model, sum(calls) AS calls, sum(calls - empty_calls) AS charged, sum(prompt_tokens) AS prompt,
                sum(completion_tokens) AS completion, sum(cached_prompt_tokens) AS cached, sum(cache_write_tokens) AS written,
                sum(reasoning_tokens) AS thought, sum(audio_prompt_tokens) AS heard, sum(audio_completion_tokens) AS spoken
            FROM ledger.usage_rollup_org AS rollup
                JOIN draft ON draft.provider = ledger.price_provider(rollup.provider)
                    AND draft.model = ledger.price_model(rollup.served_model, rollup.model_alias) AND draft.since <= rollup.hour
            WHERE rollup.hour >= (SELECT min(since) FROM draft)
            GROUP BY rollup.hour, draft.provider, draft.model
        ), priced AS (
            SELECT
                date_trunc('month', used.hour, 'UTC') AS month, used.provider, used.served_model, used.calls, used.charged,
                ledger.token_cost(
                    prompt, completion, cached, written, thought, heard, spoken,
                    was.input, was.output, was.cached_input, was.cache_write, was.reasoning, was.audio_input, was.audio_output) AS old_cost,
                ledger.token_cost(
                    prompt, completion, cached, written, thought, heard, spoken,
                    becomes.input, becomes.output, becomes.cached_input, becomes.cache_write, becomes.reasoning, becomes.audio_input,
                    becomes.audio_output) AS new_cost
            FROM used
                LEFT JOIN ledger.price_periods($1) AS was ON was.provider = used.provider AND was.model = used.served_model
                    AND was.valid_from <= used.hour AND used.hour < was.valid_to
                LEFT JOIN ledger.price_periods($1, $2) AS becomes ON becomes.provider = used.provider AND becomes.model = used.served_model
                    AND becomes.valid_from <= used.hour AND used.hour < becomes.valid_to
        )
        SELECT
            month, provider, served_model, coalesce(sum(calls), 0)::bigint, coalesce(sum(old_cost), 0)::text, coalesce(sum(new_cost), 0)::text,
            (coalesce(sum(new_cost), 0) - coalesce(sum(old_cost), 0))::text,
            coalesce(sum(charged) FILTER (WHERE old_cost IS NULL), 0)::bigint, coalesce(sum(charged) FILTER (WHERE new_cost IS NULL), 0)::bigint
        FROM priced WHERE old_cost IS DISTINCT FROM new_cost
        GROUP BY GROUPING SETS ((month, provider, served_model), ()) ORDER BY month, provider, served_model
        """;

    /// <param name="entries">Valid ones, as <see cref="PriceRegistry"/> says.</param>
    /// <param name="asOfRevision">The revision that the change would come after.</param>
    /// <returns>What would move, by month; nothing when nothing would. Amounts that no decimal holds are null: with a price in a wrong unit it can still be corrected.</returns>
    /// <exception cref="NpgsqlException">When PostgreSQL is away.</exception>
    public async Task<PriceEffects> CompareAsync(IReadOnlyList<PriceEntry> entries, long asOfRevision, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var prepare = new NpgsqlCommand(Planning, connection))
        {
            await prepare.ExecuteNonQueryAsync(cancellationToken);
        }

        await using var command = new NpgsqlCommand(Compare, connection);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = asOfRevision });
        command.Parameters.Add(PriceSql.Draft(entries));
        List<PriceEffect> effects = [];
        decimal? difference = 0;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            // The sum of all, which comes last.
            if (await reader.IsDBNullAsync(0, cancellationToken))
            {
                difference = Amount(6);
                continue;
            }

            effects.Add(new PriceEffect(
                DateOnly.FromDateTime(reader.GetDateTime(0)), reader.GetString(1), reader.GetString(2), reader.GetInt64(3), Amount(4), Amount(5),
                reader.GetInt64(7), reader.GetInt64(8), Amount(6)));
        }

        return new PriceEffects(difference, effects);

        decimal? Amount(int column) => ExactDecimal.Parse(reader.GetString(column));
    }
}

/// <summary>What a change would do.</summary>
/// <param name="DifferenceUsd">Of all together; null when no decimal holds it.</param>
public sealed record PriceEffects(decimal? DifferenceUsd, IReadOnlyList<PriceEffect> Effects);

/// <summary>What a change would do to a model's calls of a month (UTC): of those hours whose cost moves. An amount is null when no decimal holds it to its last digit.</summary>
/// <param name="Provider">Of the price, as <see cref="PriceNames"/> says.</param>
/// <param name="ServedModel">Of the price, as <see cref="PriceNames"/> says.</param>
/// <param name="OldCostUsd">Of the calls that are priced.</param>
/// <param name="NewCostUsd">Of the calls that would be priced.</param>
/// <param name="OldUnpricedCalls">Calls with tokens and without a price.</param>
/// <param name="DifferenceUsd">The new cost less the old.</param>
public sealed record PriceEffect(
    DateOnly Month, string Provider, string ServedModel, long Calls, decimal? OldCostUsd, decimal? NewCostUsd, long OldUnpricedCalls, long NewUnpricedCalls,
    decimal? DifferenceUsd);

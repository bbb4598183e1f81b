using LlmAspire.KillTest.Load;
using LlmAspire.KillTest.Stack;

namespace LlmAspire.KillTest.Reconciliation;

/// <summary>What became of an organisation with an allowance.</summary>
/// <param name="InOutage">Calls that did not fit, or were never opened: admitted while PostgreSQL was away.</param>
internal sealed record LimitedAllowance(string Name, long Used, long Reserved, long Excused, int Admitted, int Refused, int UsedUp, int InOutage);

/// <summary>Whether allowances were kept that were really reached.</summary>
internal sealed record AllowanceFindings(IReadOnlyList<LimitedAllowance> Organisations, int Samples, long Highest, IReadOnlyList<string> Broken)
{
    private const string UncheckedCalls = """
        SELECT org_id, id, created_at FROM ledger.llm_usage LEFT JOIN public.opened USING (id) WHERE fits IS NOT true AND org_id = ANY($1)
        """;

    public static async Task<AllowanceFindings> CompareAsync(
        KillStack stack, LimitedOrganisations limited, AllowanceWatch watch, IReadOnlyList<SeenAnswer> answers, CancellationToken cancellationToken)
    {
        List<string> broken = [.. watch.Broken];
        var outages = await Outages.ReadAsync(stack.Apis, cancellationToken);
        var beyond = await ReadUncheckedAsync(stack, limited, cancellationToken);
        broken.AddRange(
            from call in beyond
            where !outages.Contain(call.CreatedAt)
            select $"{call.Id} of {call.Organisation} was admitted beyond the limit, though no Api found PostgreSQL away");

        List<LimitedAllowance> organisations = [];
        foreach (var state in await AllowanceState.ReadAsync(stack.Postgres.Source, [.. limited.People.Select(person => person.Organisation)], cancellationToken))
        {
            var person = limited.People.Single(one => one.Organisation == state.Organisation);
            SeenAnswer[] theirs = [.. answers.Where(answer => answer.User == person.Name)];
            organisations.Add(new LimitedAllowance(
                person.Name, state.Used, state.Reserved, state.Excused, theirs.Count(answer => answer.Status == 200), theirs.Count(LimitedOrganisations.IsRefusal),
                theirs.Count(LimitedOrganisations.IsUsedUp), beyond.Count(call => call.Organisation == state.Organisation)));
            if (state.Check(LimitedOrganisations.Limit) is { } wrong)
            {
                broken.Add($"{person.Name} at the end: {wrong}");
            }

            if (state.Reserved != 0)
            {
                broken.Add($"{person.Name} at the end: {state.Reserved} tokens are still reserved");
            }
        }

        // Otherwise it says nothing.
        Require(watch.Samples > 0, "nobody looked at the allowances during the run");
        Require(organisations.Any(one => one.Admitted > 0), "no call of a limited organisation was admitted");
        Require(organisations.Any(one => one.UsedUp > 0), "no limited organisation was refused until the next month");
        return new AllowanceFindings(organisations, watch.Samples, watch.Highest, broken);

        void Require(bool seen, string otherwise)
        {
            if (!seen)
            {
                broken.Add(otherwise);
            }
        }
    }

    private static async Task<IReadOnlyList<(Guid Organisation, Guid Id, DateTimeOffset CreatedAt)>> ReadUncheckedAsync(
        KillStack stack, LimitedOrganisations limited, CancellationToken cancellationToken)
    {
        await using var command = stack.Postgres.Source.CreateCommand(UncheckedCalls);
        command.Parameters.AddWithValue(limited.People.Select(person => person.Organisation).ToArray());
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<(Guid, Guid, DateTimeOffset)> calls = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            calls.Add((reader.GetGuid(0), reader.GetGuid(1), await reader.GetFieldValueAsync<DateTimeOffset>(2, cancellationToken)));
        }

        return calls;
    }
}

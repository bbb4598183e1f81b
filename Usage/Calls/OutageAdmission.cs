using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace LlmAspire.Usage;

/// <summary>
/// Who may call a model while PostgreSQL cannot be asked: callers who were served shortly before, within a number of tokens for their
/// organisation and what its plan had left. Safe to use from any thread.
/// </summary>
internal sealed class OutageAdmission(IOptions<DurabilityOptions> options, TimeProvider time)
{
    private const int ForgetBeyond = 100_000;

    private readonly ConcurrentDictionary<(Guid User, Guid Org), DateTimeOffset> _served = new();
    private readonly ConcurrentDictionary<Guid, OrgAccount> _accounts = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<Guid, Queue<Reserve>> _reserves = [];
    private DateTimeOffset _forgotAt;

    /// <summary>Remembers a caller whose call PostgreSQL took.</summary>
    public void Remember(OpenCall call)
    {
        _served[(call.UserId, call.OrgId)] = time.GetUtcNow();
        if (_served.Count > ForgetBeyond)
        {
            var oldest = time.GetUtcNow() - options.Value.CallerMemory;
            foreach (var (caller, at) in _served)
            {
                if (at < oldest && _served.TryRemove(caller, out _))
                {
                    _accounts.TryRemove(caller.Org, out _);
                }
            }
        }
    }

    /// <summary>Remembers what an organisation had used and reserved of a month when it was last seen.</summary>
    public void Remember(OrgAccount account) => _accounts[account.OrgId] = account;

    /// <summary>Admits the call and reserves its tokens.</summary>
    /// <exception cref="LedgerUnavailableException">Nobody can say whether it may be made, or it may not.</exception>
    /// <exception cref="AllowanceExceededException">It would be beyond its plan by what is known.</exception>
    public void Admit(OpenCall call)
    {
        var now = time.GetUtcNow();
        if (!_served.TryGetValue((call.UserId, call.OrgId), out var at) || now - at > options.Value.CallerMemory)
        {
            throw new LedgerUnavailableException("PostgreSQL cannot be asked, and this caller was not served shortly before.");
        }

        var need = call.ReservedPromptTokens + call.ReservedCompletionTokens;
        var opened = DateTimeOffset.FromUnixTimeMilliseconds(UuidV7.UnixMilliseconds(call.Id)).UtcDateTime;
        var month = new DateOnly(opened.Year, opened.Month, 1);
        lock (_lock)
        {
            Forget(now);
            var reserves = _reserves.GetValueOrDefault(call.OrgId) ?? [];
            var reserved = reserves.Sum(reserve => reserve.Tokens);
            // What was reserved before counts in full: that it was settled meanwhile is known only when PostgreSQL can be asked.
            var known = _accounts.GetValueOrDefault(call.OrgId) is { } account && account.Month == month ? account : new OrgAccount(call.OrgId, month, 0, 0);
            if (call.AllowanceLimit is { } limit && known.Used + known.Reserved + reserved + need > limit)
            {
                throw new AllowanceExceededException(month, limit, known.Used, known.Reserved + reserved, need);
            }

            if (reserved + need > options.Value.OutageAllowance)
            {
                throw new LedgerUnavailableException("PostgreSQL cannot be asked, and the organisation has used up what it is allowed meanwhile (Usage:OutageAllowance).");
            }

            reserves.Enqueue(new Reserve(now, need));
            _reserves[call.OrgId] = reserves;
        }
    }

    /// <summary>What was reserved before the window began.</summary>
    private void Forget(DateTimeOffset now)
    {
        // Now and then also of those who do not come back.
        if (now - _forgotAt < options.Value.OutageWindow / 60)
        {
            return;
        }

        _forgotAt = now;
        foreach (var (org, reserves) in _reserves)
        {
            while (reserves.TryPeek(out var oldest) && now - oldest.At >= options.Value.OutageWindow)
            {
                reserves.Dequeue();
            }

            if (reserves.Count == 0)
            {
                _reserves.Remove(org);
            }
        }
    }

    private readonly record struct Reserve(DateTimeOffset At, long Tokens);
}

/// <summary>What an organisation had used and reserved of a month, in tokens, when it was last seen.</summary>
internal sealed record OrgAccount(Guid OrgId, DateOnly Month, long Used, long Reserved);

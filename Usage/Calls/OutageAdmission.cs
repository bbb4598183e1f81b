using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace LlmAspire.Usage;

/// <summary>
/// Who may call a model while PostgreSQL cannot be asked: callers who were served shortly before, within a number of tokens for their
/// organisation. Safe to use from any thread.
/// </summary>
internal sealed class OutageAdmission(IOptions<DurabilityOptions> options, TimeProvider time)
{
    private const int ForgetBeyond = 100_000;

    private readonly ConcurrentDictionary<(Guid User, Guid Org), DateTimeOffset> _served = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<Guid, long> _reserved = [];
    private int _outage;

    /// <summary>Remembers a caller whose call PostgreSQL took.</summary>
    public void Remember(OpenCall call)
    {
        _served[(call.UserId, call.OrgId)] = time.GetUtcNow();
        if (_served.Count > ForgetBeyond)
        {
            var oldest = time.GetUtcNow() - options.Value.CallerMemory;
            foreach (var (caller, at) in _served)
            {
                if (at < oldest)
                {
                    _served.TryRemove(caller, out _);
                }
            }
        }
    }

    /// <summary>Admits the call and reserves its tokens, or says why not.</summary>
    public string? Refuse(OpenCall call, int outage)
    {
        if (!_served.TryGetValue((call.UserId, call.OrgId), out var at) || time.GetUtcNow() - at > options.Value.CallerMemory)
        {
            return "PostgreSQL is away, and this caller was not served shortly before.";
        }

        lock (_lock)
        {
            if (_outage != outage)
            {
                _outage = outage;
                _reserved.Clear();
            }

            var reserved = _reserved.GetValueOrDefault(call.OrgId) + call.ReservedPromptTokens + call.ReservedCompletionTokens;
            if (reserved > options.Value.OutageAllowance)
            {
                return "PostgreSQL is away, and the organisation has used up what it is allowed meanwhile (Usage:OutageAllowance).";
            }

            _reserved[call.OrgId] = reserved;
            return null;
        }
    }
}

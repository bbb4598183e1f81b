using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace LlmAspire.Usage.Tests;

/// <summary>Who may call while PostgreSQL cannot be asked, and for how much. A call of these tests reserves 1,100 tokens.</summary>
public class OutageAdmissionTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 15, 12, 0, 0, TimeSpan.Zero));
    private readonly OutageAdmission _admission;
    private readonly OpenCall _known;

    public OutageAdmissionTests()
    {
        _admission = new OutageAdmission(Options.Create(new DurabilityOptions { OutageAllowance = 3_000, OutageWindow = TimeSpan.FromHours(1), CallerMemory = TimeSpan.FromDays(1) }), _time);
        _known = Calls.Open(NewId());
        _admission.Remember(_known);
    }

    [Fact]
    public void what_is_allowed_counts_over_time_however_often_postgresql_comes_and_goes()
    {
        _admission.Admit(Next());
        _time.Advance(TimeSpan.FromMinutes(10));
        // It answers, and takes a call.
        _admission.Remember(Next());
        _admission.Admit(Next());
        _time.Advance(TimeSpan.FromMinutes(49));

        Assert.Contains("Usage:OutageAllowance", Assert.Throws<LedgerUnavailableException>(() => _admission.Admit(Next())).Message);

        // The first is an hour ago now, the second is not.
        _time.Advance(TimeSpan.FromMinutes(2));
        _admission.Admit(Next());
        Assert.Throws<LedgerUnavailableException>(() => _admission.Admit(Next()));
    }

    [Theory]
    [InlineData(8_900, 0, true)]
    [InlineData(8_901, 0, false)]
    [InlineData(4_000, 4_900, true)]
    [InlineData(4_000, 4_901, false)]
    public void a_plan_ends_where_it_would_by_what_was_known_last(long used, long reserved, bool isAdmitted)
    {
        _admission.Remember(new OrgAccount(_known.OrgId, new DateOnly(2026, 11, 1), used, reserved));

        var exceeded = Record.Exception(() => _admission.Admit(Next(limit: 10_000))) as AllowanceExceededException;

        Assert.Equal(isAdmitted ? null : $"{used} {reserved}", exceeded is null ? null : $"{exceeded.Used} {exceeded.Reserved}");
    }

    [Fact]
    public void what_was_reserved_in_an_outage_counts_to_the_plan()
    {
        _admission.Remember(new OrgAccount(_known.OrgId, new DateOnly(2026, 11, 1), 1_000, 0));

        _admission.Admit(Next(limit: 3_000));

        Assert.Equal(1_100, Assert.Throws<AllowanceExceededException>(() => _admission.Admit(Next(limit: 3_000))).Reserved);
    }

    [Fact]
    public void another_month_begins_with_nothing_used()
    {
        _admission.Remember(new OrgAccount(_known.OrgId, new DateOnly(2026, 10, 1), 10_000, 0));

        _admission.Admit(Next(limit: 10_000));
    }

    private OpenCall Next(long? limit = null) => Calls.Open(NewId(), _known.UserId, _known.OrgId, limit);

    private Guid NewId() => Guid.CreateVersion7(_time.GetUtcNow());
}

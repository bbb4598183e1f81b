namespace LlmAspire.Usage;

/// <summary>A day (UTC) that is to be compared, up to a time: the running day is not over yet.</summary>
public sealed record DueDay(DateOnly Day, DateTimeOffset Until)
{
    public DateTimeOffset From => new(Day, TimeOnly.MinValue, TimeSpan.Zero);
}

namespace LlmAspire.KillTest.Load;

/// <summary>
/// Organisations whose tokens of a month are soon used up, each with somebody who asks for it: one after the other, so that there is one whose
/// allowance ends whenever something is killed. Safe to use concurrently.
/// </summary>
internal sealed class LimitedOrganisations(IReadOnlyList<Person> people)
{
    /// <summary>Tokens a month, each: a handful of answers.</summary>
    public const long Limit = 4_000;

    /// <summary>What an answer may have: a reserve is a part of <see cref="Limit"/>.</summary>
    public const int OutputCap = 512;

    /// <summary>How many ask for one organisation at the same time, in all: more than fit beside each other.</summary>
    public const int Askers = 6;

    /// <summary>Refusals until the next one's turn comes: a long question may not fit where a short one does.</summary>
    private const int RefusalsEach = 5;

    /// <summary>Who is refused because of answers that are being made is told to wait for seconds.</summary>
    private static readonly TimeSpan LongWait = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private int _turn;
    private int _refusals;

    public IReadOnlyList<Person> People => people;

    /// <summary>Whose turn it is; the last one's for ever.</summary>
    public Person Asker
    {
        get
        {
            lock (_lock)
            {
                return people[_turn];
            }
        }
    }

    /// <summary>How many a run of so many kills needs: about as many as have their turn in it.</summary>
    public static int CountFor(int kills) => 2 + kills / 4;

    public static bool IsRefusal(SeenAnswer answer) => answer is { Status: 429, ErrorCode: "allowance_exceeded" };

    /// <summary>The month is over for this message, whoever else asks.</summary>
    public static bool IsUsedUp(SeenAnswer answer) => IsRefusal(answer) && answer.RetryAfter > LongWait;

    public void Note(SeenAnswer answer)
    {
        if (!IsUsedUp(answer))
        {
            return;
        }

        lock (_lock)
        {
            if (answer.User == people[_turn].Name && ++_refusals >= RefusalsEach && _turn < people.Count - 1)
            {
                _turn++;
                _refusals = 0;
            }
        }
    }
}

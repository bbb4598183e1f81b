namespace LlmAspire.Web.Chat;

/// <summary>What stands at one place of a conversation: the versions of a message, or the answers to it, of which one is shown.</summary>
public sealed class ChatBranches<T>
    where T : class
{
    private readonly List<T> _all = [];

    public IReadOnlyList<T> All => _all;

    /// <summary>Null when there is nothing.</summary>
    public T? Shown { get; private set; }

    /// <summary>Adds one and shows it.</summary>
    internal void Add(T one)
    {
        _all.Add(one);
        Shown = one;
    }

    internal void Show(T one) => Shown = one;

    /// <summary>Takes one away, and shows the newest that is left.</summary>
    internal void Remove(T one)
    {
        _all.Remove(one);
        Shown = _all.LastOrDefault();
    }
}

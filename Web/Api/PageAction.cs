using System.Diagnostics;

namespace LlmAspire.Web.Api;

/// <summary>
/// Something that somebody does on a page. Its span begins with it, but is made by its first request, and lasts while there are any. Requests that come later
/// have a span of the same name below it: one that has ended cannot be made current again. Safe to use from several threads.
/// </summary>
internal sealed class PageAction
{
    private static readonly ActivitySource Source = new("LlmAspire.Web.Page");

    private static readonly AsyncLocal<PageAction?> Flowing = new();

    private readonly string _name;
    private readonly DateTimeOffset _begun;
    private readonly Lock _lock = new();
    private ActivityContext _first;
    private Activity? _span;
    private int _requests;

    private PageAction(string name, DateTimeOffset begun) => (_name, _begun) = (name, begun);

    /// <summary>The one that the caller's asynchronous flow belongs to; null for none.</summary>
    public static PageAction? Current => Flowing.Value;

    /// <summary>What the caller's asynchronous flow does from now on belongs to a new action.</summary>
    public static void Begin(string name, DateTimeOffset begun) => Flowing.Value = new PageAction(name, begun);

    /// <summary>What the caller's asynchronous flow does from now on is nobody's action.</summary>
    public static void Detach() => (Activity.Current, Flowing.Value) = (null, null);

    /// <summary>For a request: its span is to be below this one. Null when nobody listens.</summary>
    public Activity? Enter()
    {
        lock (_lock)
        {
            if (_requests++ == 0)
            {
                // As a default parent is none, what is current would be it.
                Activity.Current = null;
                _span = Source.StartActivity(_name, ActivityKind.Internal, _first, startTime: _first == default ? _begun : default);
                _first = _first == default ? _span?.Context ?? default : _first;
            }

            return _span;
        }
    }

    /// <summary>The request is over.</summary>
    public void Leave()
    {
        lock (_lock)
        {
            if (--_requests == 0)
            {
                _span?.Stop();
            }
        }
    }
}

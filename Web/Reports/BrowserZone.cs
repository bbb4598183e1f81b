using Microsoft.JSInterop;

namespace LlmAspire.Web.Reports;

/// <summary>The time zone of the browser of a circuit, and all it knows: asked for once.</summary>
public sealed class BrowserZone(IJSRuntime js)
{
    private const string Utc = "UTC";

    private bool _asked;

    /// <summary>IANA id.</summary>
    public string Id { get; private set; } = Utc;

    /// <summary>IANA ids.</summary>
    public IReadOnlyList<string> All { get; private set; } = [Utc];

    /// <param name="module">The address of <c>browser-zone.js</c>.</param>
    public async Task AskAsync(string module)
    {
        if (_asked)
        {
            return;
        }

        await using var zones = await js.InvokeAsync<IJSObjectReference>("import", module);
        if (await zones.InvokeAsync<Answer?>("ask") is { } answer)
        {
            Id = TimeZoneInfo.TryFindSystemTimeZoneById(answer.Zone, out _) ? answer.Zone : Utc;
            All = [.. answer.Zones.Prepend(Utc).Append(Id).Distinct()];
        }

        _asked = true;
    }

    /// <summary>The zone with this id, or UTC.</summary>
    public static TimeZoneInfo Find(string id) => TimeZoneInfo.TryFindSystemTimeZoneById(id, out var zone) ? zone : TimeZoneInfo.Utc;

    internal sealed record Answer(string Zone, IReadOnlyList<string> Zones);
}

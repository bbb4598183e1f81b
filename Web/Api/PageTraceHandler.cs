using System.Diagnostics;

namespace LlmAspire.Web.Api;

/// <summary>Puts requests to the Api into the trace of the action on a page that they belong to, where they have no other.</summary>
internal sealed class PageTraceHandler : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        // What is current in a circuit is the span of a hub method, which is not recorded.
        if (Activity.Current is { Recorded: true } || PageAction.Current is not { } action)
        {
            return await base.SendAsync(request, cancellationToken);
        }

        Activity.Current = action.Enter();
        try
        {
            return await base.SendAsync(request, cancellationToken);
        }
        finally
        {
            action.Leave();
        }
    }
}

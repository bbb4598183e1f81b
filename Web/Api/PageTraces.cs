using LlmAspire.ServiceDefaults.Traces;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Server.Circuits;

namespace LlmAspire.Web.Api;

/// <summary>
/// A trace for each thing that somebody does on a page and that asks the Api something, with the page's name: opening it, a click, a choice. Most of what
/// a browser tells its circuit, each key that is pressed, concerns the page alone and is in no trace.
/// </summary>
internal sealed class PageTraces(NavigationManager navigation, TimeProvider time) : CircuitHandler
{
    public override Func<CircuitInboundActivityContext, Task> CreateInboundActivityHandler(Func<CircuitInboundActivityContext, Task> next) => async context =>
    {
        PageAction.Begin($"page {TraceExtensions.PathTemplate(new Uri(navigation.Uri).AbsolutePath)}", time.GetUtcNow());
        await next(context);
    };
}

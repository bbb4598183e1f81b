namespace LlmAspire.EndToEnd.Tests;

/// <summary>Traces hold what people did, and nothing else.</summary>
internal static class RootSpans
{
    /// <summary>What only machinery asks for: probes, the Api's reads of the gateway's models, reads of the comparison, and what a page that is open asks for by itself.</summary>
    private static readonly string[] OfMachinery =
        ["/health", "/alive", "/model/info", "/v1/models", "/spend/logs", "/_blazor", "/_framework", "/_content"];

    /// <summary>Fails with the spans that nobody caused.</summary>
    public static void AssertOfPeople(IEnumerable<ExportedSpan> spans) =>
        Assert.Empty(spans.Where(span => IsOfMachinery(span) || span.ParentSpanId.Length == 0 && !IsAction(span)).Select(span => span.ToString()));

    private static bool IsOfMachinery(ExportedSpan span) =>
        span.Source == "Microsoft.AspNetCore" && span.Tags.TryGetValue("url.path", out var path)
        && (OfMachinery.Any(machinery => path == machinery || path.StartsWith(machinery + '/', StringComparison.Ordinal))
            || span.Service == "web" && Path.HasExtension(path));

    /// <summary>What may begin a trace.</summary>
    private static bool IsAction(ExportedSpan span) => span.Source switch
    {
        // A page, or a request of a program to the Api or to the gateway.
        "Microsoft.AspNetCore" => span.Service is "web" or "api" or "litellm",
        // A send, and what is done on a page.
        "LlmAspire.Web" or "LlmAspire.Web.Page" => true,
        // It is linked from the traces of its calls, of which it has many.
        "LlmAspire.UsageWorker" => span.Name == "ingest batch",
        _ => false,
    };
}

using System.Globalization;

namespace LlmAspire.Api.OpenAi;

/// <summary>The headers of OpenAI's answers: the id of the request, and what is left of the requests a minute.</summary>
internal static class OpenAiHeaders
{
    public const string RequestId = "x-request-id";

    /// <summary>What a page's script may read beside the body: of other headers browsers keep silent.</summary>
    public static readonly string[] ReadByPages =
    [
        RequestId, "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", "retry-after", "x-should-retry",
    ];

    private static readonly object Key = new();

    /// <summary>Gives the request its id.</summary>
    public static void Begin(HttpContext context)
    {
        var id = Guid.CreateVersion7();
        context.Items[Key] = id;
        // The last callback that is called: the plan's limits have their headers by then, and the answer to an exception has lost what it had.
        context.Response.OnStarting(() =>
        {
            var headers = context.Response.Headers;
            headers[RequestId] = id.ToString();
            // RateLimit-Limit: 60, RateLimit-Remaining: 59, RateLimit-Reset: 1 (seconds until the bucket is full), as everywhere in this Api.
            headers["x-ratelimit-limit-requests"] = headers["RateLimit-Limit"];
            headers["x-ratelimit-remaining-requests"] = headers["RateLimit-Remaining"];
            if (long.TryParse(headers["RateLimit-Reset"], NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
            {
                headers["x-ratelimit-reset-requests"] = string.Create(CultureInfo.InvariantCulture, $"{seconds}s");
            }

            return Task.CompletedTask;
        });
    }

    /// <summary>The id of the request: <c>request_id</c> of its row in the ledger too.</summary>
    public static Guid RequestIdOf(HttpContext context) => (Guid)context.Items[Key]!;
}

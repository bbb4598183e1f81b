using System.Globalization;
using Microsoft.Net.Http.Headers;

namespace LlmAspire.Api.OpenAi;

/// <summary>Writes every problem under <c>/v1</c> in OpenAI's form, wherever in the pipeline it was found.</summary>
internal sealed class OpenAiErrorWriter : IProblemDetailsWriter
{
    /// <summary>Longer waits no client of OpenAI's: it would ask again, in vain.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    public bool CanWrite(ProblemDetailsContext context) => context.HttpContext.Request.Path.StartsWithSegments(OpenAiExtensions.Prefix);

    public async ValueTask WriteAsync(ProblemDetailsContext context)
    {
        var response = context.HttpContext.Response;
        if (int.TryParse(response.Headers[HeaderNames.RetryAfter], NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            && TimeSpan.FromSeconds(seconds) > LongestWait)
        {
            response.Headers["x-should-retry"] = "false";
        }

        response.ContentType = "application/json";
        await response.Body.WriteAsync(OpenAiError.Of(context.ProblemDetails).ToUtf8Json(), context.HttpContext.RequestAborted);
    }
}

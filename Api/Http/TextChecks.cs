using System.Text;
using System.Text.Unicode;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Llm.Wire;
using LlmAspire.Api.OpenAi;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace LlmAspire.Api.Http;

/// <summary>
/// Refuses text that is not Unicode, and the character NUL, which PostgreSQL cannot store, before any endpoint sees them: in addresses and in bodies of JSON. Header lines of
/// that kind are refused by Kestrel.
/// </summary>
internal static class TextChecks
{
    private const string NotText = "bytes that are not UTF-8, or the character NUL";

    /// <summary>Behind the sign-in: a stranger's body is not read.</summary>
    public static IApplicationBuilder UseTextChecks(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        var failure = CheckAddress(context) ?? await CheckBodyAsync(context);
        await (failure is null ? next(context) : Problems.Create(context, failure).ExecuteAsync(context));
    });

    private static GatewayFailure? CheckAddress(HttpContext context)
    {
        // What has no escapes is ASCII, or was decoded by the server.
        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        if (!target.Contains('%', StringComparison.Ordinal))
        {
            return null;
        }

        foreach (var parameter in new QueryStringEnumerable(context.Request.QueryString.Value))
        {
            if (!IsText(parameter.EncodedName.Span) || !IsText(parameter.EncodedValue.Span))
            {
                return GatewayFailure.TextInvalid(parameter.DecodeName().ToString(), NotText);
            }
        }

        return IsText(target) ? null : GatewayFailure.TextInvalid(context.Request.Path, NotText);
    }

    /// <summary>Whether it is text without NUL, as <c>caf%C3%A9</c> is and <c>caf%E9</c> is not.</summary>
    private static bool IsText(ReadOnlySpan<char> encoded)
    {
        if (!encoded.Contains('%'))
        {
            return true;
        }

        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(encoded.Length)];
        var length = 0;
        for (var i = 0; i < encoded.Length; i++)
        {
            if (encoded[i] == '%' && i + 2 < encoded.Length && char.IsAsciiHexDigit(encoded[i + 1]) && char.IsAsciiHexDigit(encoded[i + 2]))
            {
                bytes[length++] = Convert.FromHexString(encoded.Slice(i + 1, 2))[0];
                i += 2;
            }
            else
            {
                length += Encoding.UTF8.GetBytes(encoded.Slice(i, 1), bytes.AsSpan(length));
            }
        }

        return Utf8.IsValid(bytes.AsSpan(0, length)) && !bytes.AsSpan(0, length).Contains((byte)0);
    }

    /// <summary>Looks at a body of JSON, and puts it back to be read again. Those of <c>/v1</c> are looked at where they are read: they are larger, and stored nowhere.</summary>
    private static async Task<GatewayFailure?> CheckBodyAsync(HttpContext context)
    {
        var request = context.Request;
        if (!request.HasJsonContentType() || context.GetEndpoint() is null || request.Path.StartsWithSegments(OpenAiExtensions.Prefix))
        {
            return null;
        }

        // JSON is UTF-8 (RFC 8259).
        if (MediaTypeHeaderValue.TryParse(request.ContentType, out var type) && type.Charset.HasValue && type.Encoding is not UTF8Encoding and not ASCIIEncoding)
        {
            return new GatewayFailure(
                StatusCodes.Status415UnsupportedMediaType, "content_type_unsupported", "The body is not UTF-8.", "Send it as UTF-8, with Content-Type: application/json.");
        }

        var body = new MemoryStream();
        await request.Body.CopyToAsync(body, context.RequestAborted);
        body.Position = 0;
        request.Body = body;
        return RequestReader.CheckText(body.GetBuffer().AsSpan(0, (int)body.Length));
    }
}

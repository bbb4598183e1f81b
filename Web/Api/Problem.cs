using System.Text.Json;

namespace LlmAspire.Web.Api;

/// <summary>
/// What went wrong with a request, as RFC 9457 problem details say it. The Api sends it instead of an answer, or as the
/// <c>error</c> event of a stream; <see cref="ApiClient"/> makes one itself when no answer came.
/// </summary>
/// <param name="Status">HTTP status; null when there was no HTTP answer.</param>
/// <param name="Code">A stable word to act on, for example <c>gateway_starting</c>; the client's own are in <see cref="ProblemCodes"/>.</param>
/// <param name="Errors">What is wrong in particular; see <see cref="ProblemError"/>.</param>
public sealed record Problem(
    string? Type = null,
    string? Title = null,
    int? Status = null,
    string? Detail = null,
    string? Code = null,
    string? TraceId = null,
    JsonElement? Errors = null);

namespace LlmAspire.Web.Chat;

/// <summary>The finish reasons of <c>done</c> that the page tells apart.</summary>
internal static class FinishReasons
{
    public const string Stopped = "stopped";
    public const string Length = "length";
    public const string ContentFilter = "content_filter";
}

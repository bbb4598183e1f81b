using MudBlazor.Services;

namespace LlmAspire.Web.Layout;

public static class LayoutExtensions
{
    /// <summary>
    /// All that a page may load is its own: a model's answer that got past the sanitizer still runs no script and reaches no
    /// other host. Inline styles are MudBlazor's theme.
    /// </summary>
    private const string ContentSecurityPolicy =
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; "
        + "frame-ancestors 'self'";

    /// <summary>The longest message from a browser, in bytes: <see cref="Chat.Composer.MaxLength"/> characters in any script.</summary>
    private const int MaximumReceiveMessageSize = 256 * 1024;

    /// <summary>Adds Blazor with interactive server components, and MudBlazor.</summary>
    public static IHostApplicationBuilder AddLayout(this IHostApplicationBuilder builder)
    {
        builder.Services.AddMudServices();
        builder.Services.AddRazorComponents().AddInteractiveServerComponents()
            .AddHubOptions(options => options.MaximumReceiveMessageSize = MaximumReceiveMessageSize);
        return builder;
    }

    public static IApplicationBuilder UseContentSecurityPolicy(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        context.Response.Headers.ContentSecurityPolicy = ContentSecurityPolicy;
        return next(context);
    });
}

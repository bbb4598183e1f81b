using LlmAspire.ServiceDefaults.Traces;
using LlmAspire.Web.Identity.External;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Components.Endpoints;
using Microsoft.Extensions.Options;
using MudBlazor.Services;

namespace LlmAspire.Web.Layout;

public static class LayoutExtensions
{
    /// <summary>
    /// All that a page may load is its own: a model's answer that got past the sanitizer still runs no script and reaches no
    /// other host. Inline styles are MudBlazor's theme. Signing out is a form that may end at an OpenID Connect provider.
    /// </summary>
    private static string ContentSecurityPolicy(ProviderOptions provider) =>
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'self'; "
        + $"form-action 'self'{(provider.IsUsed ? " " + provider.Origin : "")}; frame-ancestors 'none'";

    /// <summary>The longest message from a browser, in bytes: <see cref="Chat.MessageInput.MaxLength"/> characters in any script.</summary>
    private const int MaximumReceiveMessageSize = 256 * 1024;

    /// <summary>SignalR looks once a second whether it is time: so each browser hears of the server every second, and notices when it does not (wwwroot/start.js).</summary>
    private static readonly TimeSpan KeepAliveInterval = TimeSpan.FromSeconds(0.5);

    /// <summary>Adds Blazor with interactive server components, and MudBlazor.</summary>
    public static IHostApplicationBuilder AddLayout(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<PageConnectionOptions>().BindConfiguration(PageConnectionOptions.Section)
            .Validate(options => options.IsPossible, PageConnectionOptions.WhatIsPossible).ValidateOnStart();
        builder.Services.AddMudServices();
        builder.Services.AddRazorComponents().AddInteractiveServerComponents()
            .AddHubOptions(options => (options.MaximumReceiveMessageSize, options.KeepAliveInterval) = (MaximumReceiveMessageSize, KeepAliveInterval));
        return builder;
    }

    /// <summary>For every answer: what a page may load, who may show it in a frame (nobody), and what others learn of it (nothing); over HTTPS only, outside of Development.</summary>
    public static IApplicationBuilder UseSecurityHeaders(this WebApplication app)
    {
        if (!app.Environment.IsDevelopment())
        {
            app.UseHsts();
        }

        var policy = ContentSecurityPolicy(app.Services.GetRequiredService<IOptions<ProviderOptions>>().Value);
        return app.Use((context, next) =>
        {
            var headers = context.Response.Headers;
            headers.ContentSecurityPolicy = policy;
            headers.XContentTypeOptions = "nosniff";
            headers.XFrameOptions = "DENY";
            headers["Referrer-Policy"] = "no-referrer";
            headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
            headers["Cross-Origin-Opener-Policy"] = "same-origin";
            return next(context);
        });
    }

    /// <summary>Gives answers without a body a page.</summary>
    public static IApplicationBuilder UseStatusPages(this IApplicationBuilder app) =>
        app.UseStatusCodePagesWithReExecute("/status", createScopeForStatusCodePages: true);

    /// <summary>Refuses forms that are not of the user's own session. Left to Blazor, the answer would be an empty page.</summary>
    public static IApplicationBuilder UseForms(this IApplicationBuilder app) => app.UseAntiforgery().Use((context, next) =>
    {
        if (context.Features.Get<IAntiforgeryValidationFeature>() is not { IsValid: false })
        {
            return next(context);
        }

        // The page that says so is shown; no form is sent to it.
        context.Features.Set<IAntiforgeryValidationFeature>(null);
        context.Request.Method = HttpMethods.Get;
        context.Request.ContentType = null;
        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        return Task.CompletedTask;
    });

    /// <summary>Shows the pages. What Blazor asks for besides, on behalf of a page that is open, is in no trace: <see cref="Api.PageTraces"/> has what people do on it.</summary>
    public static IEndpointConventionBuilder MapPages(this IEndpointRouteBuilder app)
    {
        var pages = app.MapRazorComponents<App>().AddInteractiveServerRenderMode(options => options.ContentSecurityFrameAncestorsPolicy = "'none'");
        pages.Finally(endpoint =>
        {
            if (!endpoint.Metadata.OfType<ComponentTypeMetadata>().Any())
            {
                TraceExtensions.Exclude(endpoint);
            }
        });
        return pages;
    }
}

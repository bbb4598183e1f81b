using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.OpenAi;

internal static class OpenAiExtensions
{
    /// <summary>Every address below it speaks OpenAI's protocol.</summary>
    public const string Prefix = "/v1";

    /// <summary>Adds what speaks OpenAI's protocol. Before the problem details, whose own form would come first.</summary>
    public static TBuilder AddOpenAi<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddOptions<OpenAiOptions>().BindConfiguration(OpenAiOptions.Section).ValidateDataAnnotations()
            .Validate(options => options.AreOriginsPossible, OpenAiOptions.WhatOriginIsPossible).ValidateOnStart();
        builder.Services.AddCors();
        builder.Services.AddSingleton<IProblemDetailsWriter, OpenAiErrorWriter>();
        return builder;
    }

    /// <summary>
    /// Gives each answer under <see cref="Prefix"/>, whatever makes it, the headers that OpenAI's clients read, and those that a browser needs to show it to a
    /// page. The first in the pipeline: a browser asks whether it may without a key.
    /// </summary>
    public static IApplicationBuilder UseOpenAi(this IApplicationBuilder app)
    {
        app.Use((context, next) =>
        {
            if (context.Request.Path.StartsWithSegments(Prefix))
            {
                OpenAiHeaders.Begin(context);
            }

            return next(context);
        });
        var origins = app.ApplicationServices.GetRequiredService<IOptions<OpenAiOptions>>().Value.AllowedOrigins;
        return origins.Count == 0 ? app : app.UseWhen(
            context => context.Request.Path.StartsWithSegments(Prefix), openAi => openAi.UseCors(policy => AllowPages(policy, [.. origins])));
    }

    /// <summary>Without credentials: a key comes in a header that the page itself sets, never in what the browser keeps.</summary>
    private static void AllowPages(CorsPolicyBuilder policy, string[] origins) => policy
        .WithOrigins(origins)
        .WithMethods(HttpMethods.Get, HttpMethods.Post)
        // OpenAI's client sends more of them with each version (x-stainless-…, openai-beta), and here none but the key means anything.
        .AllowAnyHeader()
        .WithExposedHeaders(OpenAiHeaders.ReadByPages)
        .SetPreflightMaxAge(TimeSpan.FromHours(1));
}

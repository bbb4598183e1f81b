namespace LlmAspire.Api.OpenAi;

internal static class OpenAiExtensions
{
    /// <summary>Every address below it speaks OpenAI's protocol.</summary>
    public const string Prefix = "/v1";

    /// <summary>Adds what speaks OpenAI's protocol. Before the problem details, whose own form would come first.</summary>
    public static TBuilder AddOpenAi<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddOptions<OpenAiOptions>().BindConfiguration(OpenAiOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<IProblemDetailsWriter, OpenAiErrorWriter>();
        return builder;
    }

    /// <summary>Gives each answer under <see cref="Prefix"/>, whatever makes it, the headers that OpenAI's clients read. The first in the pipeline.</summary>
    public static IApplicationBuilder UseOpenAi(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (context.Request.Path.StartsWithSegments(Prefix))
        {
            OpenAiHeaders.Begin(context);
        }

        return next(context);
    });
}

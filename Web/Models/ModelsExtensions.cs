namespace LlmAspire.Web.Models;

public static class ModelsExtensions
{
    public static IHostApplicationBuilder AddModels(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<SafeModeOptions>().BindConfiguration(SafeModeOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddScoped<ModelDirectory>();
        return builder;
    }
}

using MudBlazor;

namespace LlmAspire.Web.Layout;

/// <summary>The look: ink on paper with one green, the colour of ledgers. Fonts are the system's; nothing is loaded from elsewhere.</summary>
internal static class Theme
{
    private static readonly string[] Fonts =
        ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Helvetica Neue", "Arial", "sans-serif"];

    public static MudTheme Default { get; } = new()
    {
        PaletteLight = new PaletteLight
        {
            Primary = "#0b6b57",
            PrimaryContrastText = "#ffffff",
            Background = "#fbfaf7",
            BackgroundGray = "#f2f0ea",
            Surface = "#ffffff",
            TextPrimary = "#1d1c1a",
            TextSecondary = "#5f5c55",
            ActionDefault = "#5f5c55",
            LinesDefault = "#e2dfd6",
            LinesInputs = "#c9c5ba",
            Divider = "#e2dfd6",
            Error = "#b3261e",
            Warning = "#8a5a00",
            Info = "#2b5c8a",
        },
        PaletteDark = new PaletteDark
        {
            Primary = "#62c6aa",
            PrimaryContrastText = "#06231c",
            Background = "#141614",
            BackgroundGray = "#1d201d",
            Surface = "#1d201d",
            TextPrimary = "#e9e7e1",
            TextSecondary = "#a5a39b",
            ActionDefault = "#a5a39b",
            LinesDefault = "#30332f",
            LinesInputs = "#4a4d48",
            Divider = "#30332f",
            Error = "#f2938b",
            Warning = "#e3b65c",
            Info = "#8fbbe6",
        },
        Typography = new Typography
        {
            Default = new DefaultTypography { FontFamily = Fonts, FontSize = "1rem", LineHeight = "1.6", LetterSpacing = "normal" },
            Button = new ButtonTypography { FontFamily = Fonts, FontWeight = "500", LetterSpacing = "normal", TextTransform = "none" },
        },
        LayoutProperties = new LayoutProperties { DefaultBorderRadius = "10px" },
    };
}

### What the page says in English. docs/page.md tells how a language is added.

## Top and bottom of the page

page-title = mae-seg · every object in your photo
page-promise = Finds every object in your photo and cuts it out. Everything is computed on your device: nothing is uploaded.
views = View
view-objects = Objects
view-objects-about = Find the objects in the photo
view-redraw = Hide and redraw
view-redraw-about = Hide parts of the photo and watch the model draw them
backend-cpu = Using the CPU
backend-gpu = Using the graphics processor (WebGPU)
gpu-missing = WebGPU is not available here, using the CPU
gpu-failed = WebGPU failed here, using the CPU
gpu-wrong = WebGPU computes wrong numbers here, using the CPU
footer-about = Free and open source, written in Rust from training to this page.
languages = Language
photos-kept = { $count ->
    [one] { $count } photo, { $size }, kept
   *[other] { $count } photos, { $size }, kept
} on this device for your next visit.
start-fresh = Start fresh
single-keys = Single-key shortcuts while the photo has the focus: V, B, E, H, +, −, 0, [ and ]
model-kept = The model ({ $size }) is kept in this browser for your next visit.
remove-model = Remove it

## Numbers

megabytes = { NUMBER($megabytes, minimumFractionDigits: 1, maximumFractionDigits: 1) } MB
many-megabytes = { NUMBER($megabytes, maximumFractionDigits: 0) } MB
percent = { NUMBER($share, style: "percent", maximumFractionDigits: 0) }
pixels = { $count ->
    [one] { $count } pixel
   *[other] { $count } pixels
}
seconds = { NUMBER($seconds, maximumFractionDigits: 0) } s
minutes = { NUMBER($minutes, maximumFractionDigits: 0) } min

## Photos

photo = Photo
photos = Photos
your-photo = Your photo
example = A photo in which every object has a colour of its own
choose-photos = Choose photos
choose-more-photos = Choose more photos
ways-in = or drop them here, a whole folder too, or paste one
take-photo = Take a photo
samples = Sample photos
samples-hint = or start with one of these
sample-astronaut = An astronaut
sample-photographer = A photographer
sample-coffee = A cup of coffee
photos-done = { $count ->
    [one] { $done } of { $count } photo done
   *[other] { $done } of { $count } photos done
}
photos-done-some-failed = { photos-done } · { $failed } cannot be used
pause = Pause
resume = Go on
stop = Stop
go-on-with = { $count ->
    [one] Go on with { $count } photo
   *[other] Go on with { $count } photos
}
photo-standing = { $name }: { $standing }
standing-waiting = waiting
standing-working = being looked at
standing-stopped = not looked at
remove-photo = Remove { $name }

## What is going on

result = Result
progress = Progress
working = Working
getting-ready = Getting ready…
starting = Fetching the program…
starting-of = Fetching the program: { $done } of { $total }
downloading = Fetching the model: { $done }
downloading-of = Fetching the model: { $done } of { $total }
warming-up = Preparing the graphics processor…
reading-photo = Reading the photo…
looking = Looking for objects…
stage-program = Program
stage-model = Model
stage-warm-up = Warm-up
stage-ready = Ready
pace = { $rate }/s · { $left } left
warming-up-for = The graphics processor is being prepared, once: { $seconds } s.
use-cpu = Use the CPU instead
ready = Ready for a photo
not-ready = The model is not ready
objects = { $count ->
    [one] { $count } object
   *[other] { $count } objects
}
objects-in = { objects } · { NUMBER($seconds, minimumFractionDigits: 1, maximumFractionDigits: 1) } s
ok = OK
dismiss = Dismiss
try-again = Try again
restart = Restart
reload = Reload
new-version = There is a new version of this page. Your photos stay.
later = Later
keep-using = Keep using { $model }
use-model = Use { $model }

## The model

model = Model
models = Models to choose from
suited-model = The model for this device
load = Load
hub-name = Another model from the Hugging Face Hub
open-model = Open a model folder
open-model-hint = or drop it on the page
hub-terms = Models from the Hub are downloaded straight to your browser. Their authors' licences apply: Meta's MAE, for one, is not for commercial use (CC BY-NC 4.0). Models without training in finding objects have to be fine-tuned first.
compute-with = Compute with
compute-fastest = Whatever is fastest
compute-gpu = The graphics processor (WebGPU)
compute-cpu = The CPU
known-labels = What it can recognise
list-separator = ,{ " " }
labels = { $count ->
    [one] { $count } label
   *[other] { $count } labels
}
accuracy = accuracy { NUMBER($percent, minimumFractionDigits: 1, maximumFractionDigits: 1) } (AP50)
about-mae-tiny = Quick on any device; finds large, clear objects.
about-mae-small = Better masks; about two seconds per photo without a graphics processor.
about-eomt-small = Everyday things by name; a few seconds per photo.
about-eomt-base = More accurate; best with a graphics processor.
licence-research = licence: research and demonstration
licence-mit = MIT licence
bundled = bundled
from-hub = from the Hub
from-device = from this device
from-site = from this site
from-host = from { $host }
measure-device = Measure on this device
measuring = Measuring: { $done } of { $runs }
measured = { $model } · { NUMBER($median, minimumFractionDigits: 2, maximumFractionDigits: 2) } s a photo ({ NUMBER($least, minimumFractionDigits: 2, maximumFractionDigits: 2) } to { NUMBER($most, minimumFractionDigits: 2, maximumFractionDigits: 2) }, { $runs } runs, 600 × 400) · { $device }
threads-of = { $device }, { $threads ->
    [one] 1 thread
   *[other] { $threads } threads
} of { $cores }
copy-line = Copy this line
offer = More accurate masks: { $model }, { $size }, once, from Hugging Face ({ $licence }).
use-it = Use it
no-thanks = No, thanks

## Objects

minimum-confidence = Minimum confidence
objects-found = Objects found
nothing-certain = Nothing reaches this confidence. Lower the minimum, or click something in the photo.
more-below = { $count } more below { NUMBER($share, style: "percent", maximumFractionDigits: 0) }.
show-them = Show them
look-closer = Look closer, for small objects
share-of-photo = { NUMBER($share, style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1) } of photo
hide = Hide
object-menu = What can be done to the object
menu-save = Save as cut-out
menu-copy = Copy as cut-out
show = Show
hide-object = Hide { $label }
show-object = Show { $label }
named-object = { $label } { NUMBER($share, style: "percent", maximumFractionDigits: 0) }

## Tools

photo-keys = Photo: arrow keys point, Enter picks what is there, Shift with Enter adds a place, Alt with Enter takes one away; with a brush, Space draws while it is held; plus and minus zoom, 0 shows the whole photo
tools = What a click does
tool-pick = Pick
tool-pick-about = Click an object to pick it, or anything else to find it (V)
tool-add = Add
tool-add-about = Add a place to the object (Shift-click)
tool-remove = Take away
tool-remove-about = Take a place away from the object (Alt-click)
tool-box = Box
tool-box-about = Draw a box around an object to find it (drag with the mouse; with Shift, pick all that lie inside)
tool-brush = Brush
tool-brush-about = Draw what belongs to the picked object, or a new one (B)
tool-eraser = Eraser
tool-eraser-about = Draw what does not belong to the picked objects (E)
tool-hand = Move
tool-hand-about = Move the photo (H, or drag with the middle mouse button)
hint-new-object = Draw a new object.
hint-restore = Draw what belongs to the picked object. Escape ends drawing.
hint-pick-first = Pick an object first.
hint-erase = Draw what does not belong to the picked objects. Escape ends drawing.
hint-hand = Drag the photo. The wheel, or two fingers, zoom.
hint-several = What is done below is done to all that are picked. Escape puts them back.
hint-choices = Mask { $choice } of { $choices } here: click again for the next.
hint-add = Add places to it, or take them away.
hint-again = Click it again for a part or a whole of it.
hint-click = Click anything to pick or find it, or draw a box around it.
hint-brush-keys = By keys, on the photo: arrows move the brush, Space held draws, [ and ] change its size.
put-back = Put back
put-back-about = Escape
brush = Brush
brush-size = Brush size
brush-size-about = Size of the brush ([ and ] on the photo)
brush-softness = Soft edge
brush-softness-about = How gently the brush fades out; cut-outs keep it
history = History
undo = Undo
undo-about = Undo (Ctrl+Z)
redo = Redo
redo-about = Redo (Ctrl+Shift+Z)
zoom = Zoom
zoom-out = Zoom out
zoom-out-about = Zoom out (−)
zoom-in = Zoom in
zoom-in-about = Zoom in (+, or the wheel)
fit = Fit
fit-about = Show the whole photo (0)
bare = Hold for the photo alone
bare-about = Hold to see the photo without masks

## Changing objects

picked-objects = Picked objects
nothing-picked = Nothing picked. Shift or Ctrl with a click picks several, Ctrl+A all.
picked = { $count } picked
name = Name
name-none = pick an object
name-several = several names
hide-about = Neither show nor save
merge = Merge
merge-about = Make one object of several
split = Split
split-about = Make an object of each connected piece
delete = Delete
delete-about = Delete (Del)
new = New
new-about = An empty object, to be drawn with the brush
fill = Fill holes
fill-about = Fill what the objects surround
refine = Follow edges
refine-about = Move the outlines to the edges in the photo, soft at hair and fur
smooth = Smooth
smooth-about = Round the outlines
grow = Grow
grow-about = Grow on all sides
shrink = Shrink
shrink-about = Shrink on all sides
by-pixels = by
pixels-unit = px
by-pixels-about = Pixels to smooth, grow or shrink by

## Keys

shortcuts-button = Keyboard shortcuts (?)
shortcuts = Keyboard shortcuts
close = Close
key-point = Point on the photo
key-pick = Pick the object there
key-add = Add a place to the object
key-remove = Take a place away
key-put-back = Put back what is picked
key-menu = Open the menu of the object
key-delete = Delete the picked objects
key-undo = Undo
key-redo = Redo
key-pick-all = Pick all objects
key-clicks = Pick with clicks
key-brush = Brush: add to the object
key-erase = Brush: erase
key-brush-size = Smaller or larger brush
key-move = Move the photo
key-zoom = Zoom in or out
key-fit = Show the whole photo

## Saving

save = Save
save-what = What to save
save-cut-out = Cut-out
save-cut-outs = Cut-outs, one for each object
save-background = New background
save-mask = Mask, black and white
save-masks = Masks, one for each object, and object numbers
save-overlay = Photo with the masks drawn on it
save-coco = COCO JSON, run lengths
save-coco-polygons = COCO JSON, polygons
save-yolo = YOLO segmentation
save-labelme = LabelMe JSON
save-cvat = CVAT XML
save-svg = SVG
save-everything = Everything, as one zip
save-which = Which objects
which-picked = Picked objects ({ $count })
which-all = All objects shown ({ $count })
which-photos = All photos ({ $count })
frame = Frame
frame-tight = Cropped to the object
frame-full = At the photo's size
file-format = File format
format-png = PNG
format-webp = WebP, smaller
background = Background
behind-blur = The same, blurred
behind-colour = A colour
behind-photo = Another photo
colour = Colour
backdrop = Photo for the background
take-home = Save, copy or share
copy = Copy
share = Share
left-out-objects = { $count ->
    [one] Left out: { $count } hidden or empty object.
   *[other] Left out: { $count } hidden or empty objects.
}

## Hide and redraw

redraw-about = This model learned from photos with most of each one hidden: it looks at the squares that are left and draws the others. What it draws is not in the photo; it is what such a picture usually looks like. The more is hidden, the less it has to look at, and the sooner it is done.
drawn-by = Drawn by
redraw-hub-name = Another model that redraws, from the Hugging Face Hub
redraw-terms = Meta's MAE is downloaded straight to your browser, 450 MB, and is not for commercial use (CC BY-NC 4.0). A model folder of this device can be dropped on the page.
patches = { $side } × { $side } patches
nothing-drawn = Nothing can be drawn
drawn-in = Drawn in { NUMBER($first, maximumFractionDigits: 0) } ms
both-drawn-in = Drawn in { NUMBER($first, maximumFractionDigits: 0) } and { NUMBER($second, maximumFractionDigits: 0) } ms
drawing-now = Drawing…
ways = Which patches are hidden
way-random = Scattered
way-random-about = Each patch is as likely to be hidden as any other
way-block = Blocks
way-block-about = Whole rectangles are hidden
way-grid = Grid
way-grid-about = Patches are hidden in a regular pattern
way-by-hand = By hand
way-by-hand-about = Paint on the photo what is to be hidden
other-patches = Hide other patches
paint-hint = Paint on the large picture: what you touch is hidden, or shown again. With keys: arrows, and Enter.
show-all = Show all
hide-all = Hide all
compare = Compare with another choice
keep-seen = Keep the photo where it was seen
save-picture = Picture (PNG)
save-picture-about = Photo, what was seen, and the drawing side by side
save-animation = Moving picture (GIF)
save-animation-about = From nothing hidden to almost everything
the-photo = The photo
seen = What the model sees
drawn = What it draws
seen-other-about = What the model sees where other patches are hidden
seen-other = Other patches
drawn-other = What it draws of those
hidden = Hidden
hidden-share = { NUMBER($share, style: "percent", maximumFractionDigits: 0) }
hidden-count = { $hidden } of { $count } patches · { hidden-share }
drawing = Drawing
wipe = How much of the photo is shown beside the drawing
wipe-share = { NUMBER($share, style: "percent", maximumFractionDigits: 0) } photo
psnr = Pixels (PSNR)
psnr-about = How close the drawn patches are to the photo: 15 dB is far off, 20 dB is rough, 30 dB is close
decibels = { NUMBER($decibels, minimumFractionDigits: 1, maximumFractionDigits: 1) } dB
equal = equal
ssim = Structure (SSIM)
ssim-about = How much of the photo's edges and patterns the whole picture has: 1 is all of it
similarity = { NUMBER($similarity, minimumFractionDigits: 2, maximumFractionDigits: 2) }
patch-keys = Patches: arrow keys move, Enter hides a patch or shows it, Shift with an arrow key goes on with that
patch-hidden = Row { $row }, column { $column }: hidden
patch-seen = Row { $row }, column { $column }: seen
features = What the model knows about each patch
features-about = For each patch the model keeps a few hundred numbers; here they are as colours, and patches of a colour are alike to it. Point at a patch to light up those that the model finds similar. Before it learned to find objects, place and texture decide what is alike; after it, what kind of thing it is.
features-before = Before: it only learned to draw
features-before-about = What the model knew before it learned to find objects; arrow keys point at a patch, Escape shows the colours again
features-after = After: it learned to find objects
features-after-about = What the model knows since it learned to find objects; arrow keys point at a patch, Escape shows the colours again

## Photos that cannot be used, and why

photo-empty = { $name } is empty. Choose another photo.
photo-unknown = { $name } is not a photo in a known format. Use JPEG, PNG, WebP, GIF, BMP or TIFF.
photo-foreign = { $name } is { $content }, which cannot be read here. Export it as JPEG or PNG.
photo-too-large = { $name } is too large: { $megapixels } megapixels, and { $most } are the most. Make it smaller and try again.
photo-no-room = There is no room for { $name } in this browser. Close other tabs, or make it smaller.
photo-cut-off = { $name } is cut off before its end. Copy or download it again.
photo-unsupported = { $name } is of a kind of { $format } that cannot be read here ({ $reason }). Export it as JPEG or PNG.
photo-damaged = { $name } is damaged ({ $reason }). Export or download it again.
photo-failed = { $name } could not be read ({ $reason }). Export it as JPEG or PNG.
photo-file-too-large = { $name } is larger than 256 MB. Choose a smaller file.
photo-gone = { $name } could not be read. Check that it is still there, and choose it again.
photo-crashed = The model stopped unexpectedly on this photo.
photo-unusable = This photo cannot be used.
backdrop-unusable = The photo for the background cannot be used ({ $reason }). Choose another.
backdrop-gone = The photo for the background could not be read. Choose it again.
note-no-end = The JPEG file lacks its end marker. If it was cut off, fine details are missing.
note-colours = The photo's colour profile cannot be used ({ $reason }). Its colours may be off.
note-forgotten = What was kept of this photo cannot be read: its objects were looked for again.
drop-failed = What you dropped could not be read ({ $reason }). Choose the file instead.
no-photo-there = There is no photo in that. Copy a photo, or its address, and paste it here; or drop a file.
image-refused = That image may not be read from its site. Copy the image itself and paste it here, or save it and choose the file.
sample-failed = The sample photo could not be fetched. Check the connection, or choose a photo of yours.
measure-failed = The sample photo could not be fetched. Check the connection and try again.
shared-missing = The shared photo did not arrive. Share it again, or choose it here.
neither-photos-nor-model = { $name } holds neither photos nor a model. Choose photos, or a folder with config.json and model.safetensors.
many-models = There are { $count } model files and no { $index } that says how they belong together. Open one of them.
left-out-too-large = { $count ->
    [one] Left out as larger than 256 MB: { $count } file ({ $names }).
   *[other] Left out as larger than 256 MB: { $count } files ({ $names }).
}
left-out-no-photos = { $count ->
    [one] Left out as no photo: { $count } file ({ $names }).
   *[other] Left out as no photos: { $count } files ({ $names }).
}

## What is kept for the next visit

kept-elsewhere = This page was opened again elsewhere: from now on, changes are kept there.
no-room-to-keep = This browser has no room to keep the photos. Save what you need before you leave.
earlier-unreadable = What an earlier visit left cannot be read. It is left out.
earlier-missing = { $count ->
    [one] { $count } photo of the earlier visit could not be brought back.
   *[other] { $count } photos of the earlier visit could not be brought back.
}

## Answers to clicks and edits

click-first = Click an object first; then a place can be taken away from it.
still-answering = The last click is still being answered. Try again.
nothing-changed = That changes nothing.
no-other-mask = The model has no other mask here.
no-object-here = No object stands out from its surroundings here.

## Files on their way

making = Making the file…
making-of-photos = { $count ->
    [one] Making the file: { $at } of { $count } photo…
   *[other] Making the file: { $at } of { $count } photos…
}
saved = Saved as { $name }.
left-out = Left out:
copied = Copied. Paste it wherever you like.
shared = Shared.
not-copied = The browser did not copy the file ({ $reason }). Save it instead.
not-shared = The browser did not share the file ({ $reason }). Save it instead.
file-no-pixels = None of the objects has a pixel. Draw it first, or take another.
file-no-backdrop = No photo was chosen for the background. Choose one, or a colour.
file-too-large = WebP holds at most { $most } pixels a side, and this picture is larger. Save it as PNG.
file-failed = The file could not be made ({ $reason }). Try again.
file-failed-of = { $name } ({ $reason }).
file-unknown = { $name } (open it first, so that its objects are known).

## Models that cannot be used, and why

no-model-name = “{ $name }” isn't a model name. Names look like owner/name or owner/name@revision.
no-model-name-so-ours = { no-model-name } The model that comes with this page is used instead.
model-incomplete = There is no { $file } in { $place }. Check the name, or export the model again.
model-locked = Its authors ask for consent first. Accept its licence at { $page }, download the files there, and open their folder from this device.
model-unknown = The Hub has no such model or revision as { $place }, or keeps it private. Check the name.
model-nowhere = The Hub has no such model as { $place }, or keeps it private; nor is there such a folder on this site. Check the name.
site-locked = { $place } does not let this page read its files. Download them, and open their folder from this device.
model-gone = { $file } of { $place } could not be read ({ $reason }). Check that it is still there, and open it again.
model-unreachable = The model could not be fetched from { $place } ({ $reason }). Check the connection and try again, or download the files and open their folder from this device.
model-damaged = The model file { $file } is damaged. Try again, or download it anew.
model-too-large = This model is too large for this browser ({ $reason }). Choose a smaller one.
model-unusable = This model cannot be used: { $reason }.
only-encoder = { $title } has not learned to find objects yet: it is an encoder to fine-tune from. Train it with mae-seg finetune --encoder { $weights }, and open the result here.
no-decoder = { $title } has no decoder to draw with. Choose a masked autoencoder, such as facebook/vit-mae-base.

## What went wrong on our side

no-model-yet = The model is not loaded yet. Try again in a moment.
no-result-yet = There is no result yet. Choose a photo first.
no-drawing-model = The model that draws is not loaded. Try again.
computing-failed = The model failed on this photo ({ $reason }). Try again.
updated = This page was updated while it was open. Reload it to go on.
crashed = The model stopped unexpectedly ({ $reason }). Restart it to continue.
out-of-memory = The model ran out of memory. Close other tabs and restart it, or choose a smaller photo.
